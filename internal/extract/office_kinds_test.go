package extract_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/mail"
)

func TestDocumentsOfOfficeAreKnownByTheirContent(t *testing.T) {
	u32 := func(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
	packed := "\x02\x00a.txt\x00a\x00\x00\x00\x03\x00" + u32(2) + "a\x00" + u32(9) + "inner4111"
	compound := &cfb.Entry{Storage: true, Children: []*cfb.Entry{{Name: "\x01Ole10Native", Content: []byte(u32(len(packed)) + packed)}}}
	winmail := u32(0x223E9F78) + "\x01\x00\x01" + u32(0x0002800C) + u32(5) + "4111\x00" + "\xc7\x00"
	drawn := u32(1) + u32(88) + strings.Repeat("\x00", 32) + " EMF" + strings.Repeat("\x00", 44) + u32(14) + u32(8)
	tests := []struct {
		name, declared, in string
		extractor, text    string
		cause              mail.Cause
	}{
		{"a compound file", "application/octet-stream", string(compound.File()), "extract-ole", "inner4111", ""},
		{"a compound file that is called text", "text/plain", string(compound.File()), "extract-ole", "inner4111", ""},
		{"a sheet of Excel 2", "application/pdf", "\x09\x00\x04\x00\x02\x00\x10\x00\x04\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x044111\x0a\x00\x00\x00",
			"extract-ole", "4111", ""},
		{"RTF", "application/msword", `{\rtf1 41{\b 11}}`, "extract-rtf", "4111", ""},
		{"RTF after white space", "", "\r\n {\\rtf1 4\n111}", "extract-rtf", "4111", ""},
		{"RTF that is called text", "text/plain", `{\rtf1 41{\b 11}}`, "extract-rtf", "4111", ""},
		{"winmail.dat", "application/ms-tnef", winmail, "extract-tnef", "4111", ""},
		{"a section of OneNote", "", "\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D\xAE\xB1\x53\x78\xD0\x29\x96\xD3\x00\x00some 4111 words\x00", "extract-onenote", "4111", mail.Unsupported},
		{"a database", "", "\x00\x01\x00\x00Standard Jet DB\x00\x01\x00some 4111 words\x00", "extract-access", "4111", mail.Unsupported},
		{"a metafile", "", drawn, "extract-metafile", "", ""},
		{"what is called a document and is none", "application/msword", "\x31\xbe\x00\x00\x00\xab", "extract-ole", "", mail.Unsupported},
		{"a protected message", "", "\x76\xe8\x04\x60\xc4\x11\xe3\x86 and so on", "extract-carrier", "", mail.Encrypted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			paper := &sheetOfPaper{}
			r := extract.Begin(extract.Input{Declared: tt.declared, Octets: strings.NewReader(tt.in)}, extract.Limits{})
			if r.Extractor() != tt.extractor {
				t.Errorf("extractor %q", r.Extractor())
			}
			result, err := r.Finish(paper)
			if err != nil {
				t.Fatal(err)
			}
			if paper.unseen = append(paper.unseen, result.Unseen...); !bytes.Contains(paper.Bytes(), []byte(tt.text)) {
				t.Errorf("%q", paper)
			}
			if tt.cause != "" && !paper.says(tt.cause) || tt.cause == "" && len(paper.unseen) > 0 {
				t.Errorf("%v", paper.unseen)
			}
		})
	}
}

func TestADocumentWithMacrosSaysSo(t *testing.T) {
	odt := func(more ...string) string {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := 0; i+1 < len(more); i += 2 {
			w, err := z.CreateHeader(&zip.FileHeader{Name: more[i], Method: zip.Store})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write([]byte(more[i+1]))
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	parts := []string{"mimetype", "application/vnd.oasis.opendocument.text", "content.xml", `<c><text:p>text</text:p></c>`}
	for in, want := range map[string]bool{
		odt(parts...): false,
		odt(append(parts, "Basic/Standard/m.xml", `<script:module>Sub x</script:module>`)...): true,
	} {
		result, err := extract.Begin(extract.Input{Octets: strings.NewReader(in)}, extract.Limits{}).Finish(&sheetOfPaper{})
		if err != nil || result.Macros != want {
			t.Errorf("macros %v, want %v; %v", result.Macros, want, err)
		}
	}
}
