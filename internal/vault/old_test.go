package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"

	"filippo.io/age"
)

// sealedOld is a body file as version 1 wrote it.
func sealedOld(t testing.TB, k *Keys, body []byte) []byte {
	t.Helper()
	var file bytes.Buffer
	id := idOf(k.identities[0])
	file.WriteString(magicHead)
	file.Write([]byte{version1, 0, 0, 0})
	file.Write(id[:])
	stream, err := age.Encrypt(&file, k.identities[0].Recipient())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	_, _ = stream.Write(body)
	_, _ = stream.Write(binary.BigEndian.AppendUint64(nil, uint64(len(body))))
	_, _ = stream.Write(sum[:])
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	file.Write(binary.BigEndian.AppendUint64(nil, uint64(file.Len())))
	outer := sha256.Sum256(file.Bytes())
	file.Write(outer[:])
	file.WriteString(magicEnd)
	return file.Bytes()
}

func TestFilesOfTheFirstVersionStillOpen(t *testing.T) {
	old := testKeys(t)
	file := sealedOld(t, old, []byte("hello"))
	rotated, err := old.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseKeys(rotated.Text())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Unseal(bytes.NewReader(file), int64(len(file)), again, nil)
	if err != nil || string(content(t, p)) != "hello" {
		t.Fatal(err)
	}
	key, err := KeyInside(bytes.NewReader(file), int64(len(file)), again)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := Unseal(bytes.NewReader(file), int64(len(file)), nil, key); err != nil || string(content(t, p)) != "hello" {
		t.Error("with its key found out:", err)
	}
	_, err = Unseal(bytes.NewReader(file), int64(len(file)), testKeys(t), nil)
	if !errors.Is(err, ErrKeyMissing) || errors.Is(err, ErrDamaged) {
		t.Errorf("a foreign key: %v", err)
	}
	if _, err = KeyInside(bytes.NewReader(file), int64(len(file)), testKeys(t)); !errors.Is(err, ErrKeyMissing) {
		t.Errorf("a foreign key: %v", err)
	}
}
