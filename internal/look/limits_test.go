package look_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

// attached is a message with one file, which is base64.
func attached(kind, name, content string) string {
	return "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: " + kind + "; name=" + name + "\r\n" +
		"Content-Disposition: attachment; filename=" + name + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(content)) + "\r\n"
}

func TestEveryLimitOfTheLookIsSaid(t *testing.T) {
	var labels strings.Builder
	for i := range 65 {
		fmt.Fprintf(&labels, " MSIP_Label_00000000-0000-0000-0000-%012d_Enabled=True;\r\n", i)
	}
	mbox := func(n int) string {
		return strings.Repeat("From a@b.example Mon Nov 23 2026\nSubject: y\n\ntext\n\n", n)
	}
	inside := "Subject: last\r\n\r\ntext\r\n"
	for range 34 {
		inside = attached("application/octet-stream", "m.eml", inside)
	}
	var rules strings.Builder
	for i := range 20_001 {
		fmt.Fprintf(&rules, ".a%d{color:red}", i)
	}
	tests := []struct {
		name, message string
		limit         int64 // of text; 0 for the default
		want          mail.Cause
		detail        string
	}{
		{"a header of 5 MiB", "Subject: x\r\n" + strings.Repeat("X-A: "+strings.Repeat("y", 900_000)+"\r\n", 6) + "\r\ntext\r\n", 0,
			mail.TooLarge, "labels and rules see no more"},
		{"65 labels", "Subject: x\r\nMSIP_Labels:\r\n" + labels.String() + "\r\ntext\r\n", 0, mail.TooLarge, "too many sensitivity labels"},
		{"a mailbox of 1,001 mails", attached("application/mbox", "a.mbox", mbox(1001)), 0, mail.TooLarge, "too many mails"},
		{"mail in mail in mail", inside, 0, mail.TooDeep, "not taken apart"},
		{"a mail of 9 MiB in a file", attached("application/octet-stream", "m.eml", "Subject: x\r\n\r\n"+strings.Repeat("text\r\n", 9<<20/6)), 0,
			mail.TooLarge, "too long to be taken apart"},
		{"text beyond the limit of a part", "Subject: x\r\n\r\n" + strings.Repeat("text ", 1000) + "\r\n", 1000, mail.TooLarge, ""},
		{"ten styles of pictures in each other", "Content-Type: text/html\r\n\r\n<svg>" + strings.Repeat("<style><p>", 10) + "text\r\n", 0,
			mail.Ambiguous, "nested too deeply"},
		{"20,001 style rules", "Content-Type: text/html\r\n\r\n<style>" + rules.String() + "</style><p>text\r\n", 0, mail.TooLarge, "style rules"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := look.New(look.Config{InProcess: true, Text: tt.limit})
			r := l.Look(context.Background(), parse(tt.message), look.Options{})
			found := slices.ContainsFunc(r.Unseen, func(u mail.Unseen) bool {
				return u.Reason == tt.want && strings.Contains(u.Detail, tt.detail)
			})
			if !found || r.Inspected() == "full" {
				t.Errorf("not said (inspected %s): %+v", r.Inspected(), r.Unseen)
			}
		})
	}
}

// Each mail may nest 50 levels, and each file is taken apart: together they
// were 1,600 levels, whose numbers alone took megabytes of the record.
func TestLevelsAreCountedOverAllMailsTogether(t *testing.T) {
	message := strings.Repeat("Subject: x\r\nContent-Type: message/rfc822\r\n\r\n", 2000) + "Hello\r\n"
	l := look.New(look.Config{InProcess: true})
	r := l.Look(context.Background(), parse(message), look.Options{})
	deep := slices.ContainsFunc(r.Unseen, func(u mail.Unseen) bool { return u.Reason == mail.TooDeep })
	if !deep || len(r.Parts) > 80 {
		t.Errorf("said to be too deep: %v; %d parts", deep, len(r.Parts))
	}
}
