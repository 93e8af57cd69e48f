package power

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// Disk is a folder as processes see it and, apart from that, what of it is
// durable. It follows the calls of a recording.
//
// What it believes of a disk is the least that POSIX promises: an fsync makes
// the data of its file durable, as far as it was written before the fsync
// began; the entry of a file is durable only after an fsync of the folder; all
// the rest may be lost, each piece apart from the others.
type Disk struct {
	root    string
	top     *folder
	offsets map[int]int64 // of descriptors, for write
	begun   []syncing
	nodes   int
}

// syncing is an fsync on its way: it covers what was there when it began.
type syncing struct {
	end     int
	file    *file
	folder  *folder
	covered int
}

type file struct {
	id      int
	durable []byte
	version int // counts the fsyncs that changed durable
	pending []change
	done    int // changes that are durable
	size    int64
}

// change is one write or one truncation that no fsync has covered.
type change struct {
	off      int64
	data     []byte
	truncate bool
}

type folder struct {
	id      int
	durable map[string]any // *file or *folder
	version int
	pending []entry
	done    int
	now     map[string]any
}

// entry is one change of a folder's entries: name becomes node (nil: goes),
// and from, when it is set, goes in the same moment.
type entry struct {
	name, from string
	node       any
}

// NewDisk is an empty folder at root, durably there.
func NewDisk(root string) *Disk {
	d := &Disk{root: filepath.Clean(root), offsets: map[int]int64{}}
	d.top = d.newFolder()
	return d
}

func (d *Disk) newFolder() *folder {
	d.nodes++
	return &folder{id: d.nodes, durable: map[string]any{}, now: map[string]any{}}
}

// rel is a path below the root; false for what is outside or not a file that
// a crash can leave.
func (d *Disk) rel(path string) (string, bool) {
	if strings.HasSuffix(path, " (deleted)") || strings.HasSuffix(path, "(deleted)") {
		return "", false
	}
	path = filepath.Clean(path)
	if path == d.root {
		return "", true
	}
	return strings.CutPrefix(path, d.root+"/")
}

// Watches reports whether a path is below the root.
func (d *Disk) Watches(path string) bool {
	_, ok := d.rel(path)
	return ok
}

func (d *Disk) find(path string) any {
	rel, ok := d.rel(path)
	if !ok {
		return nil
	}
	var at any = d.top
	for _, name := range strings.Split(rel, "/") {
		if name == "" {
			continue
		}
		f, isFolder := at.(*folder)
		if !isFolder {
			return nil
		}
		at = f.now[name]
	}
	return at
}

func (d *Disk) parent(path string) *folder {
	if _, ok := d.rel(path); !ok {
		return nil
	}
	f, _ := d.find(filepath.Dir(filepath.Clean(path))).(*folder)
	return f
}

func (f *folder) enter(name string, node any) {
	f.pending = append(f.pending, entry{name: name, node: node})
	f.now[name] = node
	if node == nil {
		delete(f.now, name)
	}
}

// Do lets a call happen that ended. It reports whether the disk changed, and
// an error for a call that the model does not know.
func (d *Disk) Do(c Call) (changed bool, err error) {
	switch c.Name {
	case "read":
		return false, nil
	case "open", "openat", "creat":
		return d.open(c), nil
	case "write", "writev", "pwrite64", "pwritev", "pwritev2":
		return d.write(c), nil
	case "ftruncate", "truncate":
		return d.truncate(c), nil
	case "rename", "renameat", "renameat2":
		return d.rename(c)
	case "unlink", "unlinkat", "rmdir":
		if f := d.parent(c.Paths[0]); f != nil {
			f.enter(filepath.Base(c.Paths[0]), nil)
			return true, nil
		}
		return false, nil
	case "mkdir", "mkdirat":
		if f := d.parent(c.Paths[0]); f != nil {
			f.enter(filepath.Base(c.Paths[0]), d.newFolder())
			return true, nil
		}
		return false, nil
	case "fsync", "fdatasync":
		return d.synced(c), nil
	case "mmap":
		// SQLite's -shm is memory that processes share and rebuilt by the first
		// one that opens the database: it is not laid out. Nothing else may be
		// written past the calls.
		if d.Watches(c.On) && strings.Contains(c.Text, "MAP_SHARED") && strings.Contains(c.Text, "PROT_WRITE") &&
			!strings.HasSuffix(c.On, "-shm") {
			return false, fmt.Errorf("power: %s is written by mmap", c.On)
		}
		return false, nil
	}
	if d.Watches(c.On) || slices.ContainsFunc(c.Paths, d.Watches) || c.Name == "sync" || c.Name == "syncfs" {
		return false, fmt.Errorf("power: the model does not know %s(%.200s)", c.Name, c.Text)
	}
	return false, nil
}

func (d *Disk) open(c Call) bool {
	d.offsets[c.FD] = 0
	path := c.On
	if path == "" {
		path = c.Paths[0]
	}
	parent := d.parent(path)
	if parent == nil {
		return false
	}
	node, there := parent.now[filepath.Base(path)]
	if !there && (strings.Contains(c.Text, "O_CREAT") || c.Name == "creat") {
		d.nodes++
		parent.enter(filepath.Base(path), &file{id: d.nodes})
		return true
	}
	if f, ok := node.(*file); ok && strings.Contains(c.Text, "O_TRUNC") {
		f.change(change{truncate: true})
		return true
	}
	return false
}

func (d *Disk) write(c Call) bool {
	f, ok := d.find(c.On).(*file)
	if !ok {
		return false
	}
	off := c.Offset
	if c.Name == "write" || c.Name == "writev" {
		off = d.offsets[c.FD]
		d.offsets[c.FD] += int64(len(c.Data))
	}
	f.change(change{off: off, data: c.Data})
	return true
}

func (f *file) change(c change) {
	f.pending = append(f.pending, c)
	if c.truncate {
		f.size = c.off
	} else {
		f.size = max(f.size, c.off+int64(len(c.data)))
	}
}

func (d *Disk) truncate(c Call) bool {
	path := c.On
	if len(c.Paths) > 0 {
		path = c.Paths[0]
	}
	f, ok := d.find(path).(*file)
	if ok {
		f.change(change{off: c.Size, truncate: true})
	}
	return ok
}

func (d *Disk) rename(c Call) (bool, error) {
	from, to := d.parent(c.Paths[0]), d.parent(c.Paths[1])
	if from == nil && to == nil {
		return false, nil
	}
	if from != to {
		return false, fmt.Errorf("power: a rename from one folder to another: %q", c.Paths)
	}
	old, name := filepath.Base(c.Paths[0]), filepath.Base(c.Paths[1])
	node := from.now[old]
	if node == nil {
		return false, fmt.Errorf("power: %s is renamed and was never made", c.Paths[0])
	}
	from.pending = append(from.pending, entry{name: name, from: old, node: node})
	delete(from.now, old)
	from.now[name] = node
	return true, nil
}

// BeginSync notes what an fsync covers that begins now. It must be told
// before the calls that end later.
func (d *Disk) BeginSync(c Call) {
	switch n := d.find(c.On).(type) {
	case *file:
		d.begun = append(d.begun, syncing{c.End, n, nil, n.done + len(n.pending)})
	case *folder:
		d.begun = append(d.begun, syncing{c.End, nil, n, n.done + len(n.pending)})
	}
}

func (d *Disk) synced(c Call) bool {
	i := slices.IndexFunc(d.begun, func(s syncing) bool { return s.end == c.End })
	if i < 0 {
		return false
	}
	s := d.begun[i]
	d.begun = slices.Delete(d.begun, i, i+1)
	if s.file != nil {
		return s.file.sync(s.covered)
	}
	return s.folder.sync(s.covered)
}

func (f *file) sync(covered int) bool {
	n := covered - f.done
	if n <= 0 {
		return false
	}
	f.durable = slices.Clone(f.durable) // a State may hold the former one
	for _, c := range f.pending[:n] {
		f.durable = c.apply(f.durable, whole)
	}
	f.pending = slices.Clone(f.pending[n:])
	f.done, f.version = covered, f.version+1
	return true
}

func (f *folder) sync(covered int) bool {
	n := covered - f.done
	if n <= 0 {
		return false
	}
	for _, e := range f.pending[:n] {
		e.apply(f.durable)
	}
	f.pending = slices.Clone(f.pending[n:])
	f.done, f.version = covered, f.version+1
	return true
}

func (e entry) apply(to map[string]any) {
	if e.from != "" {
		delete(to, e.from)
	}
	if e.node == nil {
		delete(to, e.name)
		return
	}
	to[e.name] = e.node
}

// apply makes a change in b, or the part of it that reached the disk.
func (c change) apply(b []byte, p part) []byte {
	if p == lost {
		return b
	}
	if c.truncate {
		if c.off <= int64(len(b)) {
			return b[:c.off]
		}
		return append(b, make([]byte, c.off-int64(len(b)))...)
	}
	if end := c.off + int64(len(c.data)); end > int64(len(b)) && p != torn {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	switch p {
	case whole:
		copy(b[c.off:], c.data)
	case zeros:
		clear(b[c.off : c.off+int64(len(c.data))])
	case torn:
		n := tearAt(c.off, len(c.data))
		if end := c.off + int64(n); end > int64(len(b)) && n > 0 {
			b = append(b, make([]byte, end-int64(len(b)))...)
		}
		copy(b[min(c.off, int64(len(b))):], c.data[:n])
	}
	return b
}

// tearAt is how much of a write at off reached the disk when it was torn: up
// to the sector in its middle.
func tearAt(off int64, n int) int {
	middle := (off + int64(n)/2) / sector * sector
	return int(min(max(middle-off, 0), int64(n)))
}

// Cut is what is left of the folder after a power cut now.
func (d *Disk) Cut(by Cut) *State {
	s := &State{files: map[string]image{}}
	d.lay(d.top, "", by, s)
	return s
}

func (d *Disk) lay(f *folder, path string, by Cut, s *State) {
	entries := maps.Clone(f.durable)
	kept := by.Entries(path, len(f.pending))
	for i, e := range f.pending {
		if kept[i] {
			e.apply(entries)
		}
	}
	s.folders = append(s.folders, path)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		below := filepath.Join(path, name)
		switch n := entries[name].(type) {
		case *folder:
			d.lay(n, below, by, s)
		case *file:
			if strings.HasSuffix(name, "-shm") {
				continue
			}
			parts := by.Writes(below, n.pending)
			base := strconv.Itoa(n.id) + "." + strconv.Itoa(n.version)
			s.files[below] = image{base, base + ":" + keyOf(parts), n.durable, n.pending, parts}
		}
	}
}

// State is one disk after a power cut.
type State struct {
	folders []string
	files   map[string]image
}

// Write lays the state out in the folder dir.
func (s *State) Write(dir string) error {
	for _, f := range s.folders {
		if err := os.MkdirAll(filepath.Join(dir, f), 0o700); err != nil {
			return err
		}
	}
	for name, i := range s.files {
		if err := os.WriteFile(filepath.Join(dir, name), i.octets(), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// keyOf writes down what became of the pending changes. Trailing losses are
// left out: a state does not become another one because more is lost.
func keyOf(parts []part) string {
	b := make([]byte, len(parts))
	for i, p := range parts {
		b[i] = "-wtz"[p]
	}
	return strings.TrimRight(string(b), "-")
}
