package amend_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"postern.dev/postern/internal/amend"
	"postern.dev/postern/internal/mail"
)

var take = []amend.Banner{{Text: "Take care - über <b>this</b> link.\nAsk us.", Style: "warning"}}

// plain is the decoded text of a part.
func plain(t testing.TB, text, path string) string {
	t.Helper()
	for _, p := range mail.Parse(mail.Bytes(text), mail.Limits{}).Parts() {
		if p.Path == path {
			b, err := io.ReadAll(p.Open())
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
	t.Fatalf("there is no part %s in %q", path, text)
	return ""
}

const (
	asText = "| Take care - über <b>this</b> link.\r\n| Ask us.\r\n\r\n"
	asHTML = `Take care &#45; &#252;ber &lt;b&gt;this&lt;/b&gt;`
)

func TestABannerStandsOnTopOfEveryText(t *testing.T) {
	t.Parallel()
	b64 := func(s string) string {
		all := base64.StdEncoding.EncodeToString([]byte(s))
		var lines []string
		for len(all) > 76 {
			lines, all = append(lines, all[:76]), all[76:]
		}
		return strings.Join(append(lines, all), "\r\n")
	}
	page := "<!doctype html><html><head><style>body > a {}</style><!-- <body> --></head><body class=\"a>b\"><p>Hello</p></body></html>"
	tests := []struct {
		name, ctype, encoding, body string
		front, back                 string // of the decoded text, around the banner
		want                        string
	}{
		{"text as it is, in ASCII", "text/plain", "7bit", "Hello\r\n", "", "Hello\r\n", strings.ReplaceAll(asText, "ü", "ue")},
		{"text in UTF-8", "text/plain; charset=utf-8", "8bit", "Grüße\r\n", "", "Grüße\r\n", asText},
		{"text in Latin 1", "text/plain; charset=iso-8859-1", "8bit", "Gr\xfc\xdfe\r\n", "", "Gr\xfc\xdfe\r\n", strings.ReplaceAll(asText, "ü", "\xfc")},
		{"text in quoted-printable", "text/plain; charset=utf-8", "quoted-printable", "Gr=C3=BC=C3=9Fe =\r\nhier\r\n", "", "Grüße hier\r\n", asText},
		{"text in base64", "text/plain; charset=utf-8", "base64", b64("Grüße hier\r\n"), "", "Grüße hier\r\n", asText},
		{"text behind a byte order mark", "text/plain; charset=utf-8", "base64", b64("\ufeffHello\r\n"), "\ufeff", "Hello\r\n", asText},
		{"no text at all", "text/plain; charset=utf-8", "base64", "", "", "", asText},
		{"HTML as it is", "text/html", "7bit", page, page[:strings.Index(page, "<p>")], page[strings.Index(page, "<p>"):], asHTML},
		{"HTML in base64", "text/html", "base64", b64(page), page[:strings.Index(page, "<p>")], page[strings.Index(page, "<p>"):], asHTML},
		{"HTML in base64, one octet on", "text/html", "base64", b64(" " + page), " " + page[:strings.Index(page, "<p>")], page[strings.Index(page, "<p>"):], asHTML},
		{"HTML in base64, two octets on", "text/html", "base64", b64("  " + page), "  " + page[:strings.Index(page, "<p>")], page[strings.Index(page, "<p>"):], asHTML},
		{"HTML in quoted-printable, with the tag on two lines", "text/html", "quoted-printable",
			"<html><bo=\r\ndy style=3D\"x\">Hel=\r\nlo", `<html><body style="x">`, "Hello", asHTML},
		{"HTML that ends with the tag", "text/html", "base64", b64("<body>"), "<body>", "", asHTML},
		{"HTML that ends with the tag, padded", "text/html", "base64", b64(" <body>"), " <body>", "", asHTML},
		{"HTML without a body", "text/html", "7bit", "<p>Hello</p>", "", "<p>Hello</p>", asHTML},
		{"HTML with a head only", "text/html", "7bit", "<html><head></head>Hello", "<html><head></head>", "Hello", asHTML},
		{"a less-than sign in a text", "text/html", "7bit", "1 < 2 <body>Hello", "1 < 2 <body>", "Hello", asHTML},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := crlf("Subject: x", "MIME-Version: 1.0", "Content-Type: "+tt.ctype, "Content-Transfer-Encoding: "+tt.encoding, "") + tt.body
			got, r := carry(text, amend.Order{Banners: take})
			body := plain(t, got, "1")
			if !strings.HasPrefix(body, tt.front) || !strings.HasSuffix(body, tt.back) || len(body) <= len(tt.front)+len(tt.back) {
				t.Fatalf("the text is\n%q\nof\n%q", body, tt.body)
			}
			mid := body[len(tt.front) : len(body)-len(tt.back)]
			if !strings.Contains(unspaced(mid), unspaced(tt.want)) {
				t.Errorf("the banner is\n%q", mid)
			}
			for i, line := range strings.Split(got, "\n") {
				if len(line) > 900 || tt.encoding != "7bit" && tt.encoding != "8bit" && len(line) > 78 && i > 4 {
					t.Errorf("a line has %d octets: %q", len(line), line)
				}
			}
			if len(r.Changed) != 1 || len(r.Kept) != 0 {
				t.Errorf("changed %q, kept %q", r.Changed, r.Kept)
			}
			if again, _ := carry(got, amend.Order{Banners: take}); again != got {
				t.Errorf("twice:\n%q", again)
			}
		})
	}
}

// unspaced is text without the spaces and line ends that may stand anywhere.
func unspaced(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestOfAnAlternativeEveryTextGetsTheBanner(t *testing.T) {
	t.Parallel()
	text := crlf("Subject: x", "MIME-Version: 1.0", `Content-Type: multipart/mixed; boundary="m"`, "", "--m",
		`Content-Type: multipart/alternative; boundary="a"`, "", "--a", "Content-Type: text/plain", "", "Hello", "--a",
		`Content-Type: multipart/related; boundary="r"`, "", "--r", "Content-Type: text/html", "", "<p>Hello</p>", "--r",
		"Content-Type: image/png", "Content-Transfer-Encoding: base64", "", "iVBORw0KGgo=", "--r--", "--a", "Content-Type: text/calendar", "",
		"BEGIN:VCALENDAR", "--a--", "--m", "Content-Type: text/plain; name=notes.txt", "Content-Disposition: attachment", "", "notes", "--m--")
	got, r := carry(text, amend.Order{Banners: take})
	if strings.Count(got, "Take care") != 2 || len(r.Changed) != 2 || len(r.Kept) != 0 {
		t.Errorf("%q %q\n%s", r.Changed, r.Kept, got)
	}
	for path, want := range map[string]string{"1.1.2.2": "\x89PNG", "1.1.3": "BEGIN:VCALENDAR", "1.2": "notes"} {
		if p := plain(t, got, path); !strings.HasPrefix(p, want) || strings.Contains(p, "Take") {
			t.Errorf("%s: %q", path, p)
		}
	}
}

func TestSomeMessagesGetNoBannerAndThatIsSaid(t *testing.T) {
	t.Parallel()
	part := func(ctype, body string) string {
		return crlf("Subject: x", "MIME-Version: 1.0", "Content-Type: "+ctype, "", body)
	}
	parts := func(ctype string, list ...string) string {
		body := ""
		for _, p := range list {
			body += "--b\r\n" + p + "\r\n"
		}
		return part(ctype+`; boundary="b"`, body+"--b--")
	}
	hello := "Content-Type: text/plain\r\n\r\nHello"
	tests := []struct{ name, text, why string }{
		{"signed by S/MIME", parts("multipart/signed; protocol=\"application/pkcs7-signature\"", hello, "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nx"), "signed"},
		{"signed by PGP", parts("multipart/signed; protocol=\"application/pgp-signature\"", hello, "Content-Type: application/pgp-signature\r\n\r\nx"), "signed"},
		{"signed, below the footer of a list", parts("multipart/mixed", "Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n"+hello+"\r\n--c--", hello), "signed"},
		{"encrypted by S/MIME", part("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "x"), "S/MIME"},
		{"encrypted by S/MIME, with another type", part("application/octet-stream; name=smime.p7m", "x"), "S/MIME"},
		{"encrypted by PGP", parts("multipart/encrypted; protocol=\"application/pgp-encrypted\"", "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1", hello), "encrypted"},
		{"PGP in the text", part("text/plain", "-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nHello"), "PGP"},
		{"rights management", parts("multipart/mixed", hello, "Content-Type: application/x-microsoft-rpmsg-message; name=message.rpmsg\r\n\r\nx"), "rights management"},
		{"TNEF", parts("multipart/mixed", hello, "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx"), "TNEF"},
		{"a report", parts("multipart/report; report-type=delivery-status", hello, "Content-Type: message/delivery-status\r\n\r\nx: y"), "report"},
		{"a picture", part("image/png", "x"), "no text"},
		{"a file first", parts("multipart/mixed", "Content-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\nx", hello), "no text"},
		{"a fragment", part("message/partial; id=x; number=1; total=2", "x"), "not here as a whole"},
		{"UTF-16", part("text/plain; charset=utf-16", "x"), "charset"},
		{"UTF-7", part("text/plain; charset=utf-7", "x"), "charset"},
		{"a text that is UTF-16 in truth", part("text/plain; charset=utf-8", "\xff\xfeH\x00"), "two ways"},
		{"base64 that is damaged", crlf("MIME-Version: 1.0", "Content-Type: text/plain", "Content-Transfer-Encoding: base64", "", "SGVs!bG8="), "encoding is damaged"},
		{"a transfer encoding that nobody knows", crlf("MIME-Version: 1.0", "Content-Type: text/plain", "Content-Transfer-Encoding: x-zip", "", "SGVs"), "transfer encoding"},
		{"two content types", crlf("MIME-Version: 1.0", "Content-Type: text/plain", "Content-Type: text/html", "", "Hello"), "two ways"},
		{"a script that never ends", part("text/html", "<script>"+strings.Repeat("x", 600<<10)), "not found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, r := carry(tt.text, amend.Order{Banners: take})
			if got != tt.text || len(r.Changed) > 0 || len(r.Kept) != 1 {
				t.Fatalf("changed %q, kept %q", r.Changed, r.Kept)
			}
			if !strings.Contains(r.Kept[0], tt.why) {
				t.Errorf("it is said: %q", r.Kept)
			}
		})
	}
	many := part("multipart/mixed; boundary=b", strings.Repeat("--b\r\n\r\nx\r\n", 50)+"--b--")
	if r := amend.Amend(mail.Parse(mail.Bytes(many), mail.Limits{Parts: 20}), amend.Order{Banners: take}); len(r.Kept) != 1 || len(r.Changed) != 0 {
		t.Errorf("of a message that was not read as a whole: %q %q", r.Changed, r.Kept)
	}
	cyrillic := []amend.Banner{{Text: "Осторожно"}}
	_, r := carry(part("text/plain", "Hello"), amend.Order{Banners: cyrillic})
	if len(r.Kept) != 1 || !strings.Contains(r.Kept[0], "cannot be written") {
		t.Errorf("%q", r.Kept)
	}
	if _, r = carry(part("text/html", "Hello"), amend.Order{Banners: cyrillic}); len(r.Changed) != 1 {
		t.Errorf("%q", r.Kept)
	}
}

func TestASignedMessageInsideOfAnotherCountsForItself(t *testing.T) {
	t.Parallel()
	inner := "Content-Type: message/rfc822\r\n\r\nContent-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nx"
	text := crlf("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "look", "--b", inner, "--b--")
	got, r := carry(text, amend.Order{Banners: take})
	if len(r.Changed) != 1 || !strings.HasSuffix(got, inner+"\r\n--b--\r\n") {
		t.Errorf("%q %q", r.Changed, r.Kept)
	}
}

func TestSeveralBannersStandInTheirOrderAndOnlyWhatIsMissingIsAdded(t *testing.T) {
	t.Parallel()
	text := crlf("Subject: x", "", "Hello")
	two := []amend.Banner{{Text: "one"}, {Text: "two"}}
	got, _ := carry(text, amend.Order{Banners: two})
	if got != crlf("Subject: x", "", "| one", "", "| two", "", "Hello") {
		t.Errorf("%q", got)
	}
	first, _ := carry(text, amend.Order{Banners: two[1:]})
	both, _ := carry(first, amend.Order{Banners: two})
	if both != crlf("Subject: x", "", "| one", "", "| two", "", "Hello") {
		t.Errorf("%q", both)
	}
}

func TestNoLineOfABannerCanBeTakenForADelimiter(t *testing.T) {
	t.Parallel()
	evil := []amend.Banner{{Text: "x --b-- --b y\n--b--\n" + strings.Repeat("ü", 30) + "--b " + strings.Repeat("語", 300)}}
	for _, head := range []string{"text/plain", "text/html", "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable",
		"text/html\r\nContent-Transfer-Encoding: quoted-printable"} {
		text := crlf("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: "+head, "", "look", "--b",
			"Content-Type: image/png", "", "x", "--b--")
		got, _ := carry(text, amend.Order{Banners: evil})
		if n := len(mail.Parse(mail.Bytes(got), mail.Limits{}).Parts()); n != 3 {
			t.Errorf("%s: %d parts of\n%s", head, n, got)
		}
		for _, line := range bytes.Split([]byte(got), []byte("\r\n")) {
			if len(line) > 998 {
				t.Errorf("%s: a line of %d octets", head, len(line))
			}
		}
	}
}
