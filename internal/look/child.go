package look

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"postern.dev/postern/internal/extract"
)

// Child is the whole program of a child process: it looks at what its parent
// sends over standard input. It returns the exit code.
func Child() int {
	kept := &sets{}
	harm := faultFrom(os.Getenv(FaultVariable))
	return extract.Serve(os.Stdin, os.Stdout, func(c *extract.Conn, ask []byte) error {
		return serve(c, ask, kept, harm)
	})
}

// serve does one job.
func serve(c *extract.Conn, ask []byte, kept *sets, harm fault) error {
	var req request
	if err := json.Unmarshal(ask, &req); err != nil {
		return fmt.Errorf("look: request: %w", err)
	}
	s, err := catalogue(c, kept)
	if err != nil {
		return err
	}
	w := newWorker(req, s, outlet{
		step: c.Step,
		record: func(r record) error {
			b, err := json.Marshal(r)
			if err != nil {
				return err
			}
			return c.Record(b)
		},
	})
	w.fault = harm
	w.fault.wire = c.Raw
	for {
		meta, content, err := c.Part()
		if errors.Is(err, io.EOF) {
			return w.finish()
		}
		if err != nil {
			return err
		}
		var it item
		if err := json.Unmarshal(meta, &it); err != nil {
			return fmt.Errorf("look: item: %w", err)
		}
		if err := w.item(it, content); err != nil {
			return err
		}
	}
}

// catalogue reads the first item.
func catalogue(c *extract.Conn, kept *sets) (*set, error) {
	_, content, err := c.Part()
	if err != nil {
		return nil, err
	}
	form, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	return kept.of(form)
}
