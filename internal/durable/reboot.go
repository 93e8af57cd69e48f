package durable

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Loss is what a power cut does to everything that was not synced.
type Loss int

// The losses. Between them they cover the order-free worst cases of a disk:
// entries and data are lost, kept or torn independently of each other.
const (
	// LoseAll keeps only what was synced.
	LoseAll Loss = iota
	// KeepAll keeps everything, as when only the process was killed.
	KeepAll
	// KeepNames keeps the entries of folders and loses the data: files are
	// there and empty, or have their old content.
	KeepNames
	// KeepData keeps the data and loses the entries.
	KeepData
	// Tear keeps the entries, and of unsynced data the first half followed
	// by zeros.
	Tear
	// Rot keeps the entries and the length of unsynced data, but it is all
	// zeros.
	Rot
)

// Losses lists every Loss.
func Losses() []Loss { return []Loss{LoseAll, KeepAll, KeepNames, KeepData, Tear, Rot} }

// String names the loss in the message of a failing test.
func (l Loss) String() string {
	return [...]string{"lose all", "keep all", "keep names", "keep data", "tear", "rot"}[l]
}

// Reboot lays out in the folder at path, which must be empty or missing, what
// a power cut now could leave of the watched folder.
func (f *Faults) Reboot(path string, l Loss) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.model == nil {
		return fmt.Errorf("durable: reboot: nothing was opened")
	}
	return f.model.lay("", path, l)
}

// model is what the watched folder holds now, and what of it is synced. Files
// and folders are keyed by their path below the watched folder; "" is the
// watched folder itself.
type model struct {
	folders map[string]*folderModel
}

// folderModel is one folder: its entries as a process sees them and as they
// are on the disk. A nil file stands for a folder.
type folderModel struct {
	now, synced map[string]*fileModel
	poisoned    bool // an fsync failed: no later one is believed
}

type fileModel struct {
	now, synced []byte
	poisoned    bool
}

func readModel(root string) (*model, error) {
	m := &model{folders: map[string]*folderModel{}}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if rel == "." {
			m.folders[""] = newFolder()
			return nil
		}
		parent := m.folder(filepath.Dir(rel))
		if e.IsDir() {
			m.folders[rel] = newFolder()
			parent.now[e.Name()], parent.synced[e.Name()] = nil, nil
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file := &fileModel{now: data, synced: data}
		parent.now[e.Name()], parent.synced[e.Name()] = file, file
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("durable: read folder: %w", err)
	}
	return m, nil
}

func newFolder() *folderModel {
	return &folderModel{now: map[string]*fileModel{}, synced: map[string]*fileModel{}}
}

func (m *model) folder(rel string) *folderModel {
	if rel == "." {
		rel = ""
	}
	return m.folders[rel]
}

func (m *model) mkdir(rel string) {
	m.folders[rel] = newFolder()
	m.folder(filepath.Dir(rel)).now[filepath.Base(rel)] = nil
}

func (m *model) create(dir, name string) { m.folder(dir).now[name] = &fileModel{} }

func (m *model) write(dir, name string, p []byte) {
	f := m.folder(dir).now[name]
	f.now = append(slices.Clip(f.now), p...)
}

func (m *model) sync(dir, name string) {
	if f := m.folder(dir).now[name]; !f.poisoned {
		f.synced = f.now
	}
}

func (m *model) rename(dir, from, to string) {
	d := m.folder(dir)
	d.now[to] = d.now[from]
	delete(d.now, from)
}

func (m *model) remove(dir, name string) { delete(m.folder(dir).now, name) }

func (m *model) syncFolder(dir string) {
	if d := m.folder(dir); !d.poisoned {
		d.synced = maps.Clone(d.now)
	}
}

// poison remembers a failed fsync: the kernel has dropped the dirty pages, so
// that a later fsync that "succeeds" has saved nothing.
func (m *model) poison(op, path string) {
	if op == "sync folder" {
		m.folder(path).poisoned = true
		return
	}
	if f := m.folder(filepath.Dir(path)).now[filepath.Base(path)]; f != nil {
		f.poisoned = true
	}
}

// lay writes the folder rel of the model to path.
func (m *model) lay(rel, path string, l Loss) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("durable: reboot: %w", err)
	}
	d := m.folder(rel)
	entries := d.now
	if l == LoseAll || l == KeepData {
		entries = d.synced
	}
	for name, f := range entries {
		var err error
		if f == nil {
			err = m.lay(strings.TrimPrefix(rel+"/"+name, "/"), filepath.Join(path, name), l)
		} else {
			err = os.WriteFile(filepath.Join(path, name), f.after(l), 0o600)
		}
		if err != nil {
			return fmt.Errorf("durable: reboot: %w", err)
		}
	}
	return nil
}

// after is what the disk holds of the file.
func (f *fileModel) after(l Loss) []byte {
	switch l {
	case KeepAll, KeepData:
		return f.now
	case Tear, Rot:
		b := slices.Clone(f.now)
		keep := len(f.synced)
		if l == Tear {
			keep += (len(f.now) - keep) / 2
		}
		clear(b[keep:])
		return b
	default:
		return f.synced
	}
}
