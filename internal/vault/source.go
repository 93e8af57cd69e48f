package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"postern.dev/postern/internal/durable"
)

// Source says where keys come from: "file:PATH", "env:NAME", or
// "command:PROGRAM ARGUMENT …", which prints them. A command is run without a
// shell; what it prints is never logged, and no error repeats it.
type Source struct {
	Text string
	// Dir is what a path is relative to.
	Dir string
}

// Bounds of a source.
const (
	maxKeyText     = 64 << 10         // octets that are read
	maxKeyWait     = 10 * time.Second // for a command
	maxKeyCommands = 32               // words of a command
)

// File is the path of a source that is a file.
func (s Source) File() (path string, ok bool) {
	path, ok = strings.CutPrefix(s.Text, "file:")
	if ok && s.Dir != "" && !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	return path, ok
}

// Check says what is wrong with how a source is written.
func (s Source) Check() error {
	kind, rest, found := strings.Cut(s.Text, ":")
	switch {
	case !found || kind != "file" && kind != "env" && kind != "command":
		return errors.New("write file:PATH, env:NAME or command:PROGRAM ARGUMENTS")
	case strings.TrimSpace(rest) == "":
		return fmt.Errorf("%s: names nothing", kind)
	case kind == "command" && len(strings.Fields(rest)) > maxKeyCommands:
		return fmt.Errorf("command: %d words at most", maxKeyCommands)
	case kind == "command" && !filepath.IsAbs(strings.Fields(rest)[0]):
		return errors.New("command: write the program with its whole path")
	}
	return nil
}

// Keys fetches the keys.
func (s Source) Keys(ctx context.Context) (*Keys, error) {
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	kind, rest, _ := strings.Cut(s.Text, ":")
	var text []byte
	var err error
	switch kind {
	case "file":
		path, _ := s.File()
		text, err = readFew(path)
	case "env":
		value, found := os.LookupEnv(rest)
		if text = []byte(value); !found {
			err = fmt.Errorf("the environment has no %s", rest)
		}
	default:
		text, err = run(ctx, strings.Fields(rest))
	}
	defer clear(text)
	if err != nil {
		return nil, err
	}
	return ParseKeys(string(text))
}

func readFew(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	if info.Size() > maxKeyText {
		return nil, fmt.Errorf("%w: %s has %d octets", ErrKeys, path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return text, nil
}

// run runs a command and returns what it prints. Its error says how it ended
// and nothing that it said: a program may print a key where it should not.
func run(ctx context.Context, words []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxKeyWait)
	defer cancel()
	out := &bounded{end: cancel}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdout = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // what it started too
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case out.over:
		err = fmt.Errorf("%s printed more than %d octets", words[0], maxKeyText)
	case ctx.Err() != nil:
		err = fmt.Errorf("%s gave no key within %s", words[0], maxKeyWait)
	case errors.As(err, &exit):
		err = fmt.Errorf("%s ended with code %d", words[0], exit.ExitCode())
	case err != nil:
		err = fmt.Errorf("%s could not be run", words[0])
	}
	if err != nil {
		clear(out.text.Bytes())
		return nil, err
	}
	return out.text.Bytes(), nil
}

// bounded takes so much and no more: then it has the command ended. It is no
// bytes.Buffer, which would read for itself as much as there is.
type bounded struct {
	text bytes.Buffer
	over bool
	end  func()
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > maxKeyText {
		b.over = true
		b.end()
		return 0, errors.New("too much")
	}
	return b.text.Write(p)
}

// Load fetches the delivery keys. A file that is missing is made, readable by
// this user only; made says that it was.
func (s Source) Load(ctx context.Context) (k *Keys, made bool, err error) {
	path, isFile := s.File()
	if !isFile {
		k, err = s.Keys(ctx)
		return k, false, err
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		k, err = s.Keys(ctx)
		return k, false, err
	}
	if k, err = NewKeys(); err != nil {
		return nil, false, err
	}
	return k, true, k.Save(path)
}

// Save makes k the content of a key file, durably and at once: after a crash
// it is the old or the new one. Only its user may read it.
func (k *Keys) Save(path string) error {
	dir, err := durable.Open(filepath.Dir(path))
	if err == nil {
		err = dir.WriteFile(filepath.Base(path), []byte(k.Text()))
	}
	if err != nil {
		return fmt.Errorf("vault: write keys: %w", err)
	}
	return nil
}
