package vault

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"postern.dev/postern/internal/mail"
)

func testKeys(t testing.TB) *Keys {
	t.Helper()
	k, err := NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed(t testing.TB, body []byte) ([]byte, FileKey) {
	t.Helper()
	var b bytes.Buffer
	sum, key, err := Seal(&b, mail.Bytes(body))
	if err != nil {
		t.Fatal(err)
	}
	if sum != sha256.Sum256(body) {
		t.Fatal("hash of the octets")
	}
	return b.Bytes(), key
}

func content(t testing.TB, p Plain) []byte {
	t.Helper()
	got, err := io.ReadAll(io.NewSectionReader(p, 0, p.size))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func octets(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestABodyComesBackAsItWas(t *testing.T) {
	const chunk = 64 << 10
	for _, n := range []int{0, 1, 39, 40, 41, chunk - 41, chunk - 40, chunk - 39, chunk - 1, chunk, chunk + 1, 3*chunk - 40, 500_000} {
		body := octets(n)
		file, key := sealed(t, body)
		p, err := Unseal(bytes.NewReader(file), int64(len(file)), nil, key)
		if err != nil {
			t.Fatalf("%d octets: %v", n, err)
		}
		if p.size != int64(n) || p.sum != sha256.Sum256(body) || !bytes.Equal(content(t, p), body) {
			t.Errorf("%d octets: came back different", n)
		}
		var wg sync.WaitGroup
		for g := range 4 { // random access, several at once
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), 2))
				for range 20 {
					off, length := r.IntN(n+2), r.IntN(100_000)
					buf := make([]byte, length)
					got, err := p.ReadAt(buf, int64(off))
					want := body[min(off, n):min(off+length, n)]
					if !bytes.Equal(buf[:got], want) || (err == io.EOF) != (off+length > n || off >= n) && length > 0 {
						t.Errorf("%d octets at %d of %d: got %d, %v", length, off, n, got, err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// Every octet of a file, flipped, and every length it could be cut to.
func TestNoDamageGoesUnseen(t *testing.T) {
	body := []byte("Subject: x\r\n\r\n" + strings.Repeat("words ", 30))
	file, key := sealed(t, body)
	open := func(what string, data []byte) {
		p, err := Unseal(bytes.NewReader(data), int64(len(data)), nil, key)
		if err == nil {
			t.Fatalf("%s: not seen; gives %d octets", what, p.size)
		}
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v is not ErrDamaged", what, err)
		}
	}
	for i := range file {
		for _, bit := range []byte{1, 0x80} {
			damaged := bytes.Clone(file)
			damaged[i] ^= bit
			open(fmt.Sprintf("octet %d flipped", i), damaged)
		}
		open(fmt.Sprintf("cut to %d", i), file[:i])
	}
	open("one octet more", append(bytes.Clone(file), 0))
	open("twice", append(bytes.Clone(file), file...))
}

func TestAChunkThatChangesAfterOpeningGivesAnErrorNotWrongOctets(t *testing.T) {
	file, key := sealed(t, octets(300_000))
	p, err := Unseal(bytes.NewReader(file), int64(len(file)), nil, key)
	if err != nil {
		t.Fatal(err)
	}
	file[100_000] ^= 1
	if _, err := io.ReadAll(io.NewSectionReader(p, 0, p.size)); err == nil {
		t.Error("wrong octets were given out")
	}
}

func FuzzUnseal(f *testing.F) {
	body := []byte("Subject: fuzz\r\n\r\nhello\r\n")
	var file bytes.Buffer
	_, key, err := Seal(&file, mail.Bytes(body))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint(0), byte(1), uint(0), []byte{})
	f.Add(uint(200), byte(0x80), uint(3), []byte("PSTN"))
	f.Add(uint(20), byte(0), uint(file.Len()), file.Bytes())
	f.Fuzz(func(t *testing.T, at uint, flip byte, cut uint, put []byte) {
		data := bytes.Clone(file.Bytes())
		data[at%uint(len(data))] ^= flip
		data = data[:len(data)-int(cut%uint(len(data)+1))]
		if len(data) > 0 {
			n := copy(data[at%uint(len(data)):], put)
			data = append(data, put[n:]...)
		} else {
			data = put
		}
		p, err := Unseal(bytes.NewReader(data), int64(len(data)), nil, key)
		if err != nil {
			return
		}
		if !bytes.Equal(content(t, p), body) {
			t.Fatalf("wrong octets")
		}
	})
}

func TestTheKeyOfAFileOpensNoOther(t *testing.T) {
	for _, body := range [][]byte{[]byte("hello"), octets(300_000)} {
		file, key := sealed(t, body)
		other, _ := sealed(t, body)
		if _, err := Unseal(bytes.NewReader(other), int64(len(other)), nil, key); !errors.Is(err, ErrDamaged) {
			t.Errorf("the key of another file: %v", err)
		}
		if _, err := Unseal(bytes.NewReader(file), int64(len(file)), testKeys(t), nil); !errors.Is(err, ErrKeyMissing) {
			t.Errorf("no key of the file: %v", err)
		}
	}
}
