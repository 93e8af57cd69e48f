package extract

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain makes this test binary a child when it is asked to.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "test-child" {
		os.Exit(Serve(os.Stdin, os.Stdout, obey))
	}
	os.Exit(m.Run())
}

// obey does what the request says: echo parts, or misbehave.
func obey(c *Conn, request []byte) error {
	if err := c.Step(Step{"1", "obey"}); err != nil {
		return err
	}
	switch string(request) {
	case "junk":
		c.Raw([]byte("what is this?"))
		time.Sleep(time.Minute)
	case "exit":
		os.Exit(7)
	case "hang":
		select {}
	case "ignore":
		return nil
	case "early":
		_ = c.send(frameDone, nil)
		time.Sleep(time.Minute)
	case "wrong":
		return c.Record([]byte("wrong"))
	case "shared":
		return c.Record(c.Shared())
	}
	for {
		meta, content, err := c.Part()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, content)
		word := "all of "
		if err != nil {
			word = "part of "
		}
		if err := c.Record([]byte(word + string(meta) + " " + strings.Repeat("x", int(n%10)))); err != nil {
			return err
		}
	}
}

func parts(list ...io.Reader) iter.Seq2[[]byte, io.Reader] {
	return func(yield func([]byte, io.Reader) bool) {
		for i, r := range list {
			if !yield([]byte{byte('a' + i)}, r) {
				return
			}
		}
	}
}

type bad struct{ panics bool }

func (b bad) Read([]byte) (int, error) {
	if b.panics {
		panic("a decoder with a bug")
	}
	return 0, errors.New("no more")
}

func TestPool(t *testing.T) {
	p := NewPool(Config{Args: []string{"test-child"}, Step: time.Second, Max: 2})
	defer p.Close()
	run := func(request string, list ...io.Reader) (string, error) {
		var got []string
		err := p.Run(context.Background(), Job{Request: []byte(request), Parts: parts(list...), Record: func(b []byte) error {
			if string(b) == "wrong" {
				return errors.New("no")
			}
			got = append(got, string(b))
			return nil
		}})
		return strings.Join(got, ","), err
	}
	for range 3 {
		got, err := run("echo", strings.NewReader("12345"), strings.NewReader(""), bytes.NewReader(make([]byte, 3<<20)), bad{}, bad{true})
		if want := "all of a xxxxx,all of b ,all of c xxxxxxxx,part of d ,part of e "; err != nil || got != want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if _, err := run("ignore", bytes.NewReader(make([]byte, 3<<20))); err != nil {
		t.Errorf("a child that does not read all: %v", err)
	}
	for request, want := range map[string]Cause{"junk": Garbage, "exit": Crashed, "hang": TookTooLong, "wrong": Garbage} {
		_, err := run(request, bytes.NewReader(make([]byte, 3<<20)))
		var d *Death
		if !errors.As(err, &d) || d.Cause != want || d.Step != (Step{"1", "obey"}) {
			t.Errorf("%s: %v", request, err)
		}
	}
	if got, err := run("echo", strings.NewReader("1")); err != nil || got != "all of a x" {
		t.Errorf("after the deaths: %q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var d *Death
	if err := p.Run(ctx, Job{Request: []byte("hang"), Parts: parts(), Record: nil}); !errors.As(err, &d) || d.Cause != OutOfTime {
		t.Errorf("out of time: %v", err)
	}
}

func TestAJobOfAnySizeArrivesAsItIs(t *testing.T) {
	p := NewPool(Config{Args: []string{"test-child"}, Max: 1})
	defer p.Close()
	room := boardSize - pageSize
	for _, size := range []int{room - 2*leastRoom, room - leastRoom, room - 50, room - 20, room, room + trayRoom, 2*room + 9} {
		var got []string
		err := p.Run(t.Context(), Job{
			Request: []byte("echo"), Parts: parts(bytes.NewReader(make([]byte, size)), strings.NewReader("12"), bad{}),
			Record: func(b []byte) error { got = append(got, string(b)); return nil },
		})
		want := "all of a " + strings.Repeat("x", size%10) + ",all of b xx,part of c "
		if err != nil || strings.Join(got, ",") != want {
			t.Errorf("%d octets: %q, %v", size, got, err)
		}
	}
}

func TestAChildThatSaysTooEarlyThatItIsDoneIsKilled(t *testing.T) {
	p := NewPool(Config{Args: []string{"test-child"}, Step: 500 * time.Millisecond, Max: 1})
	defer p.Close()
	err := p.Run(t.Context(), Job{Request: []byte("early"), Parts: parts(bytes.NewReader(make([]byte, 3<<20)))})
	var d *Death
	if !errors.As(err, &d) || d.Cause != Garbage {
		t.Errorf("got %v", err)
	}
}

func TestAChildKeepsWhatJobsShare(t *testing.T) {
	p := NewPool(Config{Args: []string{"test-child"}, Max: 1})
	defer p.Close()
	long := bytes.Repeat([]byte("dictionary "), maxFrame/10)
	for _, want := range [][]byte{nil, []byte("first"), []byte("first"), long[:maxFrame-1], long[:maxFrame-1], nil, []byte("last")} {
		var got []byte
		err := p.Run(t.Context(), Job{Shared: want, Request: []byte("shared"), Parts: parts(), Record: func(b []byte) error {
			got = bytes.Clone(b)
			return nil
		}})
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d octets became %d, %v", len(want), len(got), err)
		}
	}
	err := p.Run(t.Context(), Job{Shared: long, Request: []byte("ignore"), Parts: parts(), Record: nil})
	if err != nil {
		t.Errorf("more than a frame: %v", err)
	}
}

func TestAPathThatIsTooLongForTheWireIsCut(t *testing.T) {
	long := strings.Repeat("1.", 5000)
	for _, who := range []string{"", "credit-card", long} {
		s := StepAt(long, who)
		if n := len(s.wire()); n > maxStep || !strings.HasPrefix(long, s.Part) || !strings.HasPrefix(who, s.Who) || s.Part == "" {
			t.Errorf("%d octets, %.20q of %d, %.20q of %d", n, s.Part, len(s.Part), s.Who, len(s.Who))
		}
	}
}

func TestNoChild(t *testing.T) {
	p := NewPool(Config{Program: "/does/not/exist"})
	defer p.Close()
	if err := p.Run(context.Background(), Job{Parts: parts()}); !errors.Is(err, ErrNoChild) {
		t.Errorf("got %v", err)
	}
	p = NewPool(Config{Program: "/bin/true"})
	p.Close()
	if err := p.Run(context.Background(), Job{Parts: parts()}); !errors.Is(err, ErrNoChild) {
		t.Errorf("after Close: %v", err)
	}
}

// FuzzFromChild sends garbage to the parent's reader.
func FuzzFromChild(f *testing.F) {
	var good bytes.Buffer
	_ = writeFrame(&good, frameHello, []byte(wireVersion))
	_ = writeFrame(&good, frameStep, Step{"1", "x"}.wire())
	f.Add(good.Bytes())
	f.Add([]byte("R\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		w := watch{job: Job{Record: func([]byte) error { return nil }}}
		for {
			var buf []byte
			kind, payload, err := readFrame(r, fromChild, &buf)
			done, death := w.take(frame{kind, payload, err})
			if err != nil && death == nil {
				t.Fatal("a broken wire is no death")
			}
			if done || death != nil {
				return
			}
		}
	})
}

// FuzzFromParent sends garbage to a child.
func FuzzFromParent(f *testing.F) {
	var good bytes.Buffer
	_ = writeFrame(&good, frameShared, nil)
	_ = writeFrame(&good, frameShared, []byte("for all"))
	_ = writeFrame(&good, frameJob, []byte("echo"))
	_ = writeFrame(&good, framePart, []byte("a"))
	_ = writeFrame(&good, frameData, []byte("12345"))
	_ = writeFrame(&good, frameEnd, nil)
	_ = writeFrame(&good, frameOver, nil)
	f.Add(good.Bytes())
	f.Add([]byte("J\x00\x00\x00\x00D\x00\x00\x00\x01x"))
	near := append([]byte("M\x00\x00\x00\x04\x00\x00\x00\x20"), good.Bytes()...)
	f.Add(near)
	f.Fuzz(func(t *testing.T, b []byte) {
		on := &board{page: make([]byte, pageSize+64)}
		copy(on.room(), good.Bytes())
		if len(b) > 9 {
			copy(on.room(), b[9:])
		}
		c := &Conn{board: on, in: bufio.NewReader(bytes.NewReader(b)), out: bufio.NewWriter(io.Discard)}
		for {
			if _, err := c.job(); err != nil {
				return
			}
			if obey(c, []byte("echo")) != nil || c.finish() != nil {
				return
			}
		}
	})
}
