package look_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

const hidden = "5425233430109903"

// page is a mail with one HTML text.
func page(body string) string {
	return "Subject: hello\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>" + body + "</body></html>\r\n"
}

// file is a mail with one attachment.
func file(name, content string) string {
	return "Subject: hello\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n" +
		"--b\r\nContent-Type: application/octet-stream; name=\"" + name + "\"\r\n" +
		"Content-Disposition: attachment; filename=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(content)) + "\r\n--b--\r\n"
}

// pieces is a mail with several texts that are shown one below the other.
func pieces(texts ...string) string {
	s := "Subject: hello\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	for _, t := range texts {
		s += "--b\r\nContent-Type: text/plain\r\n\r\n" + t + "\r\n"
	}
	return s + "--b--\r\n"
}

func each(digits, before, after string) string {
	return before + strings.Join(strings.Split(digits, ""), after+before) + after
}

func backwards(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func TestANumberIsFoundHoweverItIsHidden(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	inner := "From: a@contoso.example\r\nTo: b@contoso.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte("pay "+hidden+" now")) + "\r\n"
	rtl := backwards(hidden)
	tests := []struct{ name, mail string }{
		{"in a field nobody knows", "X-Remark: " + hidden + "\r\n\r\nhello\r\n"},
		{"in a field with brackets", "X-Remark: <" + hidden + ">\r\n\r\nhello\r\n"},
		{"in a comment of a name", "From: =?utf-8?q?" + hidden + "?= <a@contoso.example>\r\n\r\nhello\r\n"},
		{"in an encoded word in quotes", "To: \"a=?utf-8?q?" + hidden + "?=b\" <a@contoso.example>\r\n\r\nhello\r\n"},
		{"in an encoded word after a letter", "Subject: no=?utf-8?q?" + hidden + "?=.\r\n\r\nhello\r\n"},
		{"in an address", "Cc: zz" + hidden + "x@contoso.example\r\n\r\nhello\r\n"},
		{"in an address with a tag", "Cc: bob+" + hidden + "@contoso.example\r\n\r\nhello\r\n"},
		{"in the description of a part", strings.Replace(file("a.txt", "hello"), "Content-Disposition",
			"Content-Description: "+hidden+"\r\nContent-Disposition", 1)},
		{"in a parameter of a part", strings.Replace(file("a.txt", "hello"), "octet-stream;", "octet-stream; note=\""+hidden+"\";", 1)},
		{"in cells", page("<table><tr>" + each(hidden, "<td>", "</td>\r\n") + "</tr></table>")},
		{"behind decoys of no size", page(each(hidden, "<i style='FONT-SIZE: 0px'>7</i>", ""))},
		{"behind decoys that are not displayed", page(each(hidden, "<div style='display : none !important'>7</div>", ""))},
		{"behind decoys with an attribute", page(each(hidden, "<span hidden>7</span>", ""))},
		{"behind decoys of a class", page("<style>p{margin:0} p .q, .z {visibility:hidden}</style>" + each(hidden, "<b class='x q'>7</b>", ""))},
		{"behind decoys in a media rule", page("<style>@media screen { .q{display:none} }</style>" + each(hidden, "<b class=q>7</b>", ""))},
		{"behind titles", page(each(hidden, "<span title=7>", "</span>"))},
		{"in pictures", page(each(hidden, "<img alt=", ">"))},
		{"turned around by a tag", page("<bdo dir=\"RTL\">" + rtl + "</bdo>")},
		{"turned around by a style", page("<span style='unicode-bidi:bidi-override; direction:rtl'>" + rtl + "</span>")},
		{"turned around by a character", "Subject: hello\r\n\r\nsee \u202e" + rtl + "\r\n"},
		{"written by a style", page("<style>.a::after{content:\"5425\\32 334\"}.b::before{content:'30109903'}</style><i class=a></i><i class=b></i>")},
		{"written by a style in another order",
			page("<style>.b:before{content:'30109903'}.a:before{content:\"54252334\"}</style><i class=a></i><i class=b></i>")},
		{"written by a style from an attribute", page("<style>i::before{content:attr(data-n)}</style><i data-n=54252334></i><i data-n=30109903></i>")},
		{"in a link", page("<a href='https://contoso.example/p/" + each(hidden, "%3", "") + "'>x</a>")},
		{"written by a style for children", page("<style>i:nth-child(1)::before{content:'54252334'}" +
			"i:nth-child(2)::before{content:'30109903'}</style><i></i><i></i>")},
		{"in a link to mail", page("<a href='mailto:a@contoso.example?body=5425%202334%203010%209903'>x</a>")},
		{"in two texts", pieces("pay 54252334", "30109903 now")},
		{"in three texts", pieces("pay 5425", "23343010", "9903 now")},
		{"in two texts by groups", pieces("pay 5425 2334", "3010 9903 now")},
		{"in a mailbox", file("x.bin", "From a@b Mon Jan  5 10:00:00 2026\n"+strings.ReplaceAll(inner, "\r\n", "\n")+"\nFrom b@c Mon Jan  5 10:00:00 2026\nSubject: y\n\nz\n")},
		{"in a mail in a file", file("x.dat", inner)},
		{"in a mail in a mailbox in a mailbox", file("x.mbox", "From a@b Mon Jan  5 10:00:00 2026\n"+
			strings.ReplaceAll(file("y.mbox", "From a@b Mon Jan  5 10:00:00 2026\n"+inner), "\r\n", "\n"))},
		{"in the texts of a drawing", file("x.svg", "<svg xmlns='http://www.w3.org/2000/svg'>"+each(hidden, "<text x='1'>", "</text>\n")+"</svg>")},
		{"in elements", file("x.xml", "<?xml version='1.0'?><r><a>54252334</a><a>30109903</a></r>")},
		{"in references", file("x.xml", "<?xml version='1.0'?><r>&#53;42523343010990&#x33;</r>")},
		{"in character data", file("x.xml", "<?xml version='1.0'?><r><![CDATA["+hidden+"]]></r>")},
		{"in escapes", file("x.json", `{"n":"`+each(hidden, `\u003`, "")+`"}`)},
		{"in escapes behind a line", file("x.json", `{"n":"a\n`+hidden+`\n"}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := l.Look(context.Background(), parse(tt.mail), look.Options{})
			if !sees(r, hidden) {
				t.Errorf("not found:\n%s", summary(r))
			}
			for _, total := range r.Totals {
				if total.Type == "CREDIT_CARD" && total.High+total.Medium+total.Low != 1 {
					t.Errorf("one number is counted as %+v", total)
				}
			}
			if r.Inspected() != "full" && !strings.Contains(tt.name, "part") && !strings.Contains(tt.name, "drawing") {
				t.Logf("unseen %v", r.Unseen)
			}
		})
	}
}

func TestWhatNobodyReadsIsUnsupportedBesideItsText(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	for name, content := range map[string]string{
		"x.ldif": "dn: cn=a\ncn:: NDAxMg==\n", "x.hqx": "(This file must be converted)\n:abc\n",
		"x.xml": "<!DOCTYPE r [<!ENTITY a \"4012\">]><r>&a;</r>",
	} {
		r := l.Look(context.Background(), parse(file(name, content)), look.Options{})
		if len(r.Unseen) != 1 || r.Unseen[0].Reason != mail.Unsupported {
			t.Errorf("%s: unseen %v", name, r.Unseen)
		}
	}
}

func TestFieldsOfMachinesAreNotRead(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	r := l.Look(context.Background(), parse("Received: by x with id "+hidden+"\r\nX-MS-Exchange-Id: "+hidden+"\r\n"+
		"Message-ID: <"+hidden+"@contoso.com>\r\nFrom: Ann <ann@contoso.com>\r\nTo: bob@contoso.com\r\n\r\nhello\r\n"), look.Options{})
	if len(r.Findings) != 0 || r.Inspected() != "full" {
		t.Errorf("got %s", summary(r))
	}
}
