package disguise

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"strings"
)

// maxEntries bounds the files of a document that is written anew.
const maxEntries = 2000

// office writes a document of Office or OpenDocument anew: its XML with the
// replacements, without pictures and embedded files. ok is false for what is
// no such document.
func (w *work) office(raw []byte) (fresh []byte, ok bool) {
	if !bytes.HasPrefix(raw, []byte("PK\x03\x04")) {
		return nil, false
	}
	r, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(r.File) > maxEntries || !document(r) {
		return nil, false
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	total := 0
	for _, f := range r.File {
		content, err := entry(f, maxMessage-total)
		if err != nil {
			return nil, false
		}
		total += len(content)
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		switch path.Ext(strings.ToLower(f.Name)) {
		case ".xml", ".rels":
			content = []byte(w.swapper.markup(string(content)))
		default:
			if f.Name != "mimetype" {
				content = nil
			}
		}
		method := zip.Deflate
		if f.Name == "mimetype" {
			method = zip.Store // as OpenDocument asks for
		}
		out, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: method})
		if err == nil {
			_, err = out.Write(content)
		}
		if err != nil {
			return nil, false
		}
	}
	if z.Close() != nil {
		return nil, false
	}
	return b.Bytes(), true
}

func document(r *zip.Reader) bool {
	for _, f := range r.File {
		if f.Name == "[Content_Types].xml" || f.Name == "content.xml" {
			return true
		}
	}
	return false
}

func entry(f *zip.File, most int) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	content, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	if err == nil && len(content) > most {
		err = io.ErrShortBuffer
	}
	return content, err
}
