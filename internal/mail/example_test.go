package mail_test

import (
	"fmt"
	"io"

	"postern.dev/postern/internal/mail"
)

func ExampleParse() {
	m := mail.Parse(mail.Bytes("Subject: =?utf-8?q?caf=C3=A9?=\r\n"+
		"Content-Type: multipart/mixed; boundary=x; boundary=y\r\n\r\n"+
		"--x\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--x--\r\n"), mail.Limits{})
	fmt.Println(m.Header.Text("Subject"))
	for _, p := range m.Leaves() {
		text, _ := p.Text()
		content, _ := io.ReadAll(text)
		fmt.Printf("%s %s %q\n", p.Path, p.Type, content)
	}
	for _, u := range m.Unseen {
		fmt.Println(u.Reason+":", u.Detail)
	}
	// Output:
	// café
	// 1.1 text/plain "hello"
	// ambiguous: several boundaries are declared
}

func ExampleOutgoing() {
	o := &mail.Outgoing{
		Front: []byte("X-Checked: yes\r\n"),
		Body:  mail.Bytes("X-Secret: s\r\nSubject: hi\r\n\r\nhello"),
		Cut:   []mail.Range{{Start: 0, End: 13}},
	}
	b, _ := io.ReadAll(o.Reader())
	fmt.Printf("%q\n", b)
	// Output: "X-Checked: yes\r\nSubject: hi\r\n\r\nhello"
}
