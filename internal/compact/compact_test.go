package compact

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"
)

type word string

type inner struct {
	Name word
	List []inner2
}

type inner2 struct {
	N    int64
	Some *string
}

type all struct {
	Yes      bool
	Small    int8
	Big      int64
	Level    uint8
	Text     string
	Octets   []byte
	Texts    []string
	Params   map[string]string
	Inner    inner
	To       *inner
	unsaid   int //lint:ignore U1000 what is not exported does not travel
	Children []*inner2
}

func full() all {
	text := "somewhere"
	return all{
		Yes: true, Small: -128, Big: math.MinInt64, Level: 255, Text: "žluťoučký \x00", Octets: []byte("ab"),
		Texts: []string{}, Params: map[string]string{"charset": "utf-8", "": "x"},
		Inner: inner{"a", []inner2{{N: 1, Some: &text}, {N: -1}}}, To: &inner{}, Children: []*inner2{nil, {N: 7}},
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	form := Of[all]()
	for _, want := range []all{{}, full()} {
		var got all
		b := form.Append([]byte("before"), &want)
		if err := form.Read(b[len("before"):], &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v became %+v, %v", want, got, err)
		}
	}
}

func TestWhatWasNotWrittenIsNonsense(t *testing.T) {
	form := Of[all]()
	value := full()
	b := form.Append(nil, &value)
	for n := range b {
		var got all
		if err := form.Read(b[:n], &got); !errors.Is(err, ErrNonsense) {
			t.Errorf("%d of %d octets: %v", n, len(b), err)
		}
	}
	for name, bad := range map[string][]byte{
		"more than was written":    append(bytes.Clone(b), 0),
		"a number that is too big": {0, 0x80, 0x80, 0x04},
	} {
		var got all
		if err := form.Read(bad, &got); !errors.Is(err, ErrNonsense) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var many []string
	if err := Of[[]string]().Read([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}, &many); err == nil || cap(many) > firstRoom {
		t.Errorf("a count without elements: %v, room for %d", err, cap(many))
	}
}

func TestTextIsUTF8(t *testing.T) {
	form := Of[string]()
	bad := "a\xffb"
	var got string
	if err := form.Read(form.Append(nil, &bad), &got); err != nil || got != "a\uFFFDb" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhatHasNoFormIsAMistakeOfTheProgram(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a function has a form")
		}
	}()
	Of[struct{ F func() }]()
}

func FuzzRead(f *testing.F) {
	form := Of[all]()
	value := full()
	f.Add(form.Append(nil, &value))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var got, again all
		if form.Read(b, &got) != nil {
			return
		}
		if err := form.Read(form.Append(nil, &got), &again); err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%+v became %+v, %v", got, again, err)
		}
	})
}

func TestAFieldThatIsNotThereIsNonsense(t *testing.T) {
	type two struct{ A, B bool }
	var got two
	if err := Of[two]().Read([]byte{0b111, 1, 1, 1}, &got); err == nil {
		t.Errorf("a third field was read: %+v", got)
	}
	type maps struct{ Of []map[string]string }
	want := maps{[]map[string]string{nil, {}, {"a": "b"}}}
	var back maps
	if err := Of[maps]().Read(Of[maps]().Append(nil, &want), &back); err != nil || !reflect.DeepEqual(back, want) {
		t.Errorf("%+v became %+v, %v", want, back, err)
	}
}
