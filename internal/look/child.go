package look

import (
	"errors"
	"fmt"
	"io"
	"os"

	"postern.dev/postern/internal/extract"
)

// Child is the whole program of a child process: it looks at what its parent
// sends over standard input. It returns the exit code.
func Child() int {
	d := desk{kept: &sets{}, harm: faultFrom(os.Getenv(FaultVariable)), wire: newWire()}
	return extract.Serve(os.Stdin, os.Stdout, d.serve)
}

// desk is what a child keeps between jobs.
type desk struct {
	kept *sets
	harm fault
	wire wire
	room []byte // for records
}

// serve does one job.
func (d *desk) serve(c *extract.Conn, ask []byte) error {
	var req request
	if err := d.wire.request.Read(ask, &req); err != nil {
		return fmt.Errorf("look: request: %w", err)
	}
	s, err := d.kept.of(c.Shared())
	if err != nil {
		return err
	}
	w := newWorker(req, s, outlet{
		step: c.Step,
		record: func(r record) error {
			d.room = d.wire.record.Append(d.room[:0], &r)
			return c.Record(d.room)
		},
	})
	w.fault = d.harm
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
		if err := d.wire.item.Read(meta, &it); err != nil {
			return fmt.Errorf("look: item: %w", err)
		}
		if err := w.item(it, content); err != nil {
			return err
		}
	}
}
