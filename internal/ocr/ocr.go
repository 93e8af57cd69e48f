// Package ocr reads the letters in pictures with Tesseract, when that is
// installed and switched on.
//
// It upholds one law:
//
//	a picture that was not read is an error, never a text that is empty.
//
// Tesseract is a foreign program of C++ that reads what strangers send, and a
// process that may not start others cannot start it. So it runs beside the
// process that looks, once for each picture: in a group of its own, without
// environment, with limits on memory, processor time, files and duration that
// stand before it is given the first octet. It has the rights of the user of
// the gateway beyond that, which is why it is off until somebody turns it on.
//
// The package knows pictures and texts. It knows no message and no detector.
//
// Standards: none; the program is called as its manual page tesseract(1) says.
package ocr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // to know their size before they are read
	_ "image/jpeg" // "
	_ "image/png"  // "
	"io"
	"os/exec"
	"time"
)

// Config says how pictures are read.
type Config struct {
	// Program is the path of tesseract, or its name when it is to be found.
	// "" reads no pictures. Default: "".
	Program string `yaml:"program"`
	// Languages are those that are looked for, as tesseract calls them:
	// "eng+deu". Each must be installed. Default: "eng".
	Languages string `yaml:"languages"`
	// Timeout is how long one picture may take. Default: 15s.
	Timeout time.Duration `yaml:"timeout"`
}

// Bounds of one picture.
const (
	maxPicture = 24 << 20 // octets
	maxPixels  = 60 << 20
	maxText    = 4 << 20
	maxMemory  = 1 << 30
)

var (
	// ErrLarge means that a picture is larger than what is read.
	ErrLarge = errors.New("ocr: the picture is too large")
	// ErrTime means that the time was over.
	ErrTime = fmt.Errorf("ocr: the picture took too long: %w", context.DeadlineExceeded)
)

// Reader reads pictures. It is safe for use by several goroutines.
type Reader struct {
	config Config
	path   string
}

// New finds the program. A nil Reader without an error reads no pictures.
func New(c Config) (*Reader, error) {
	if c.Program == "" {
		return nil, nil
	}
	if c.Languages == "" {
		c.Languages = "eng"
	}
	if c.Timeout <= 0 {
		c.Timeout = 15 * time.Second
	}
	path, err := exec.LookPath(c.Program)
	if err != nil {
		return nil, fmt.Errorf("ocr: %w", err)
	}
	return &Reader{config: c, path: path}, nil
}

// Read gives the text of a picture: PNG, JPEG, GIF, TIFF, BMP or WebP, as far
// as the program reads them.
func (r *Reader) Read(ctx context.Context, picture io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(picture, maxPicture+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("ocr: %w", err)
	case len(b) > maxPicture:
		return "", ErrLarge
	}
	if size, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil && size.Width > maxPixels/max(1, size.Height) {
		return "", ErrLarge
	}
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	text, err := r.run(ctx, b)
	if ctx.Err() != nil {
		return "", ErrTime
	}
	return text, err
}

// run starts the program and gives it the picture once its limits stand.
func (r *Reader) run(ctx context.Context, picture []byte) (string, error) {
	cmd := exec.CommandContext(ctx, r.path, "stdin", "stdout", "-l", r.config.Languages)
	cmd.Env = []string{"OMP_THREAD_LIMIT=1"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	alone(cmd)
	var out bounded
	cmd.Stdout = &out
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", fmt.Errorf("ocr: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("ocr: %w", err)
	}
	err = limit(cmd.Process.Pid, r.config.Timeout)
	if err == nil {
		_, err = in.Write(picture)
	}
	_ = in.Close()
	if err != nil {
		_ = cmd.Cancel()
	}
	if ended := cmd.Wait(); ended != nil || err != nil {
		return "", fmt.Errorf("ocr: the program failed: %w", errors.Join(err, ended))
	}
	return out.text.String(), nil
}

// bounded keeps the beginning of what is written.
type bounded struct{ text bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.text.Write(p[:min(len(p), max(0, maxText-b.text.Len()))])
	return len(p), nil
}
