package power

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Calls are the system calls to record, for strace's -e trace=.
const Calls = "open,openat,creat,read,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate," +
	"fsync,fdatasync,sync_file_range,sync,syncfs,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir," +
	"link,linkat,symlink,symlinkat,mmap,msync,sendfile,splice,copy_file_range"

// Call is one system call that succeeded. It began at one place of the log
// and ended at another: between the two nobody knows whether it has happened.
type Call struct {
	Begin, End int
	Name       string
	// FD is the descriptor, and On what it stands for: a path, or what strace
	// says of a socket. At is the folder that a path is relative to.
	FD int
	On string
	// Paths are the paths that the call names.
	Paths []string
	// Data is what was written or read, as far as the call came.
	Data []byte
	// Offset is where, for calls that say so; Size the length of a truncation.
	Offset, Size int64
	// Text is the argument list, for what is asked rarely.
	Text   string
	Result int64
}

// ReadCalls reads what "strace -f -yy -xx" wrote. Places count on from first,
// so that two recordings of one folder can follow each other. Calls that
// failed, or had not ended, are left out: they changed nothing that the model
// knows of.
func ReadCalls(r io.Reader, first int) (list []Call, next int, err error) {
	begun := map[string]struct {
		at   int
		text []byte
	}{}
	in := bufio.NewReaderSize(r, 1<<20)
	for at := first; ; at++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return list, at, nil
		}
		if err != nil && err != io.EOF {
			return list, at, fmt.Errorf("power: read calls: %w", err)
		}
		thread, text, found := bytes.Cut(bytes.TrimRight(line, "\n"), []byte(" "))
		text = bytes.TrimLeft(text, " ")
		if !found || len(text) == 0 || text[0] == '+' || text[0] == '-' {
			continue
		}
		begin := at
		if head, ok := bytes.CutSuffix(text, []byte(" <unfinished ...>")); ok {
			b := begun[string(thread)]
			b.at, b.text = at, bytes.Clone(head)
			begun[string(thread)] = b
			continue
		}
		if rest, ok := bytes.CutPrefix(text, []byte("<... ")); ok {
			b, known := begun[string(thread)]
			_, tail, resumed := bytes.Cut(rest, []byte(" resumed>"))
			if !known || !resumed {
				continue
			}
			delete(begun, string(thread))
			begin, text = b.at, append(b.text, tail...)
		}
		c, ok, err := parseCall(string(text))
		if err != nil {
			return list, at, fmt.Errorf("power: line %d: %w", at-first+1, err)
		}
		if ok {
			c.Begin, c.End = begin, at
			list = append(list, c)
		}
	}
}

// parseCall reads "name(arguments) = result".
func parseCall(text string) (c Call, ok bool, err error) {
	open := strings.IndexByte(text, '(')
	equals := strings.LastIndex(text, " = ")
	if open < 0 || equals < open {
		return c, false, nil
	}
	result, _, _ := strings.Cut(text[equals+3:], " ")
	result, on, _ := strings.Cut(result, "<")
	if c.Result, err = strconv.ParseInt(result, 0, 64); err != nil || c.Result < 0 {
		return c, false, nil // "?" of a call that never ended, or an error
	}
	c.Name = text[:open]
	args := strings.TrimRight(text[open+1:equals], " ")
	c.Text = strings.TrimSuffix(args, ")")
	if on != "" {
		on = unhex(strings.TrimSuffix(on, ">"))
	}
	return c, true, c.read(on)
}

// read takes apart what the model wants to know of the arguments. opened is
// what the result stands for.
func (c *Call) read(opened string) error {
	a := arguments{rest: c.Text}
	switch c.Name {
	case "open", "creat":
		c.Paths = []string{a.str()}
		c.FD, c.On = int(c.Result), opened
	case "openat":
		a.fd()
		c.Paths = []string{a.str()}
		c.FD, c.On = int(c.Result), opened
	case "read", "write", "pwrite64":
		c.FD, c.On = a.fd()
		c.Data = []byte(a.str())
		a.number()
		c.Offset = a.number()
	case "writev", "pwritev", "pwritev2":
		c.FD, c.On = a.fd()
		c.Data = []byte(a.vector())
		a.number()
		c.Offset = a.number()
	case "ftruncate":
		c.FD, c.On = a.fd()
		c.Size = a.number()
	case "truncate":
		c.Paths = []string{a.str()}
		c.Size = a.number()
	case "rename", "link", "symlink":
		c.Paths = []string{a.str(), a.str()}
	case "renameat", "renameat2", "linkat":
		a.fd()
		from := a.str()
		a.fd()
		c.Paths = []string{from, a.str()}
	case "unlink", "rmdir", "mkdir":
		c.Paths = []string{a.str()}
	case "unlinkat", "mkdirat":
		a.fd()
		c.Paths = []string{a.str()}
	case "mmap":
		for range 4 {
			a.next()
		}
		c.FD, c.On = a.fd()
	default:
		c.FD, c.On = a.fd()
	}
	if len(c.Data) > int(c.Result) {
		c.Data = c.Data[:c.Result]
	}
	if a.bad {
		return fmt.Errorf("%s(%.200s) is not understood", c.Name, c.Text)
	}
	return nil
}

// arguments are read from the left.
type arguments struct {
	rest string
	bad  bool
}

// next is the next argument, up to a comma outside strings and brackets.
func (a *arguments) next() string {
	depth, quoted := 0, false
	for i := 0; i < len(a.rest); i++ {
		switch ch := a.rest[i]; {
		case ch == '"':
			quoted = !quoted // with -xx no string holds a quotation mark
		case quoted:
		case ch == '[' || ch == '{' || ch == '(':
			depth++
		case ch == ']' || ch == '}' || ch == ')':
			depth--
		case ch == ',' && depth == 0:
			arg := a.rest[:i]
			a.rest = strings.TrimLeft(a.rest[i+1:], " ")
			return arg
		}
	}
	arg := a.rest
	a.rest = ""
	return arg
}

func (a *arguments) fd() (int, string) {
	number, on, found := strings.Cut(a.next(), "<")
	if number == "AT_FDCWD" {
		return -1, ""
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		a.bad = true
	}
	if found {
		on = unhex(strings.TrimSuffix(on, ">"))
	}
	return n, on
}

func (a *arguments) str() string {
	arg := a.next()
	if strings.HasSuffix(arg, "...") {
		a.bad = true // cut off: strace's -s is too small
	}
	if len(arg) < 2 || arg[0] != '"' {
		a.bad = a.bad || arg != "NULL"
		return ""
	}
	return unhex(strings.Trim(arg, `"`))
}

func (a *arguments) vector() string {
	var b strings.Builder
	for i, part := range strings.Split(a.next(), `"`) {
		if i%2 == 1 {
			b.WriteString(unhex(part))
		}
	}
	return b.String()
}

func (a *arguments) number() int64 {
	arg := a.next()
	if arg == "" {
		return 0
	}
	n, err := strconv.ParseInt(arg, 0, 64)
	if err != nil {
		a.bad = true
	}
	return n
}

// unhex replaces \x2f by "/". What is not written so stays.
func unhex(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	out := make([]byte, 0, len(s)/4)
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			hi, lo := nibble(s[i+2]), nibble(s[i+3])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 3
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
