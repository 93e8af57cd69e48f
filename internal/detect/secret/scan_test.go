package secret

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
)

// strong is a password that nobody has.
func strong(n uint64) string { return "Zq" + invented(alnum, 6, n) + "#7" }

func TestAPasswordIsFoundInProseOfManyLanguages(t *testing.T) {
	for i, form := range []string{
		"Your new password is %s.", "password: %s", "Password for the portal: %s", "the passphrase is: %s",
		"Het wachtwoord is %s en mag niet gedeeld worden", "wachtwoord: %s", "Das Passwort lautet %s.", "Passwort: %s",
		"Kennwort: %s", "Le mot de passe est %s", "mot de passe : %s", "La contraseña es %s", "contraseña: %s",
		"clave: %s", "A senha é %s", "senha: %s", "palavra-passe: %s", "parola d'ordine: %s", "Hasło: %s", "hasło to %s",
		"Lösenord: %s", "Adgangskode: %s", "Passord: %s", "Salasana: %s", "salasana on %s", "heslo: %s", "jelszó: %s",
		"şifre: %s", "Пароль: %s", "密码：%s", "パスワード: %s", "비밀번호: %s", "PW: %s", "pwd=%s", "Password\r\n%s\r\n",
	} {
		pass := strong(uint64(i))
		text := "Hello,\r\n" + fmt.Sprintf(strings.ReplaceAll(form, "：", ":"), pass) + "\r\nBye"
		list := find(text)
		if len(list) != 1 || list[0].Type != Password || list[0].Value != pass || list[0].Confidence < detect.Medium {
			t.Errorf("%s: %+v", form, list)
		}
	}
}

func TestASecretIsFoundInCodeAndConfiguration(t *testing.T) {
	for i, form := range []string{
		`password = "%s"`, `"db_password": "%s",`, `DB_PASSWORD=%s`, `export API_TOKEN='%s'`, `<password>%s</password>`,
		`<add key="Password" value="x" password="%s"/>`, `val password: String = "%s"`, `token: str = "%s"`,
		`define( 'PASSWORD' , '%s' );`, `easy_setopt(curl, CURLOPT_PASSWORD, "%s");`, `mysql -u root --password %s`,
		`-Password '%s'`, `CREATE USER 'a'@'b' IDENTIFIED BY '%s';`, `ALTER ROLE app WITH PASSWORD '%s';`,
		`password = System.getenv("X") ?: "%s"`, `PASSWORD = os.environ.get("PASSWORD") or "%s"`, `secret => "%s"`,
		`ConvertTo-SecureString -String '%s' -AsPlainText`, `curl -u "admin:%s" https://host`, `password '%s'`,
		`machine host login anna password %s`, `{\"secret\": \"%s\"}`, `Server=db;User Id=sa;Password=%s;Encrypt=true`,
	} {
		pass := strong(uint64(i) + 100)
		if strings.Contains(form, "oken") || strings.Contains(form, "secret") || strings.Contains(form, "TOKEN") {
			pass = invented(alnum, 24, uint64(i)+100)
		}
		list := find("a line\n" + fmt.Sprintf(form, pass) + "\nb")
		if len(list) != 1 || list[0].Value != pass || list[0].Confidence < detect.Medium {
			t.Errorf("%s: %+v", form, list)
		}
	}
}

func TestWhatIsNoSecretIsLeft(t *testing.T) {
	for _, text := range []string{
		`password = "${DB_PASSWORD}"`, `password: $PASSWORD`, `password: {{ .Values.password }}`, `password=<your password>`,
		`password: changeme`, `password: xxxxxxxxxx`, `password: ********`, `password = getpass.getpass()`,
		`token = Empty.token`, `password = nexusPassword`, `secret_name: my-app-secret`, `token_type: bearer`,
		`the password must have 12 characters`, `password: string`, `"passwordField": "password"`,
		`password_file: /run/secrets/db_1.txt`, `api_key: 00000000-0000-0000-0000-000000000000`, `ENC[AES256_GCM,data:x]`,
		`commit: 3b18e512dba79e4c8300dd08aeb37f8e728b8dad`, `key: 3b18e512dba79e4c8300dd08aeb37f8e728b8dad`,
		`integrity sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8KuxyYlQk7Z7m9b3yS9n3L6F1hT`, `if password == "x9#Kd72!":`,
		`https://user:password@host.example.com/`, `postgres://user:${PASS}@db/app`, `Authorization: Bearer ${TOKEN}`,
		`opensecrets: N00030717`, `compass: A1b2C3d4E5`, `monkey: A1b2C3d4E5f6G7h8`, "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n",
		"-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----", `AKIAIOSFODNN7EXAMPLE`,
		`password: P@ssw0rd1`, `Passwort: siehe Anhang`, `Wachtwoord: zie bijlage 2`, `secret: ENC(2048:tUf83Ex0oSbDGa8vaU1h)`,
	} {
		if list := find("x\n" + text + "\ny"); len(list) > 0 {
			t.Errorf("%s: %+v", text, list)
		}
	}
}

func TestAPrivateKeyIsFoundInEveryFrame(t *testing.T) {
	body := invented(alnum, 64, 1)
	lines := body[:40] + "\n" + body + "\n" + body[9:50]
	for name, text := range map[string]string{
		"RSA":          "-----BEGIN RSA PRIVATE " + "KEY-----\n" + lines + "\n-----END RSA PRIVATE KEY-----",
		"OpenSSH":      "-----BEGIN OPENSSH PRIVATE " + "KEY-----\n" + lines + "\n-----END OPENSSH PRIVATE KEY-----",
		"PGP":          "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----\nVersion: 1\n\n" + lines + "\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----",
		"in a string":  `key = "-----BEGIN PRIVATE ` + `KEY-----\n` + strings.ReplaceAll(lines, "\n", `\n`) + `\n-----END PRIVATE KEY-----\n"`,
		"without end":  "-----BEGIN EC PRIVATE " + "KEY-----\n" + lines,
		"cut together": `"-----BEGIN PRIVATE ` + `KEY-----\n" +` + "\n  \"" + strings.ReplaceAll(lines, "\n", "\\n\" +\n  \"") + `"`,
		"PuTTY": "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: a\nPublic-Lines: 1\nAAAA\nPrivate-" +
			"Lines: 1\n" + body + "\nPrivate-MAC: 00",
	} {
		list := find("see\n" + text + "\nend")
		if len(list) != 1 || list[0].Type != PrivateKey || list[0].Confidence != detect.High {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

func TestAnEncryptedPrivateKeyIsReportedAtLowConfidence(t *testing.T) {
	body := invented(alnum, 64, 1)
	list := find("-----BEGIN ENCRYPTED PRIVATE " + "KEY-----\n" + body + "\n" + body + "\n-----END ENCRYPTED PRIVATE KEY-----")
	if len(list) != 1 || list[0].Confidence != detect.Low {
		t.Errorf("%+v", list)
	}
}

func TestASecretInBase64IsFound(t *testing.T) {
	list := find("config: " + b64Of(`user_secret="`+invented(alnum, 40, 1)+`"`))
	if len(list) != 1 || list[0].Confidence < detect.Medium || list[0].From != 8 {
		t.Errorf("%+v", list)
	}
}

func TestSecretsDoNotDependOnWhereWindowsEnd(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		b.WriteString(strings.Repeat("some words of prose, and then: ", 3+i%7))
		switch i % 4 {
		case 0:
			b.WriteString("password: " + strong(uint64(i)) + "\n")
		case 1:
			b.WriteString("gl" + "pat-" + invented(alnum, 20, uint64(i)) + " ")
		case 2:
			b.WriteString("https://u:" + "x7" + invented(alnum, 10, uint64(i)) + "@host/ ")
		case 3:
			body := invented(alnum, 64, uint64(i))
			b.WriteString("\n-----BEGIN PRIVATE " + "KEY-----\n" + body + "\n" + body + "\n-----END PRIVATE KEY-----\n")
		}
	}
	text, d := b.String(), New()
	var want []detect.Found
	for _, size := range []int{1 << 20, 64, 511, 4097} {
		var list []detect.Found
		s := detect.Stream{Detectors: []detect.Detector{d}, Size: size, Found: func(f detect.Found) { list = append(list, f) }}
		for i := 0; i < len(text); i += 97 {
			_, _ = s.Write([]byte(text[i:min(i+97, len(text))]))
		}
		_ = s.Close()
		if want == nil {
			want = list
		}
		if len(list) != len(want) || len(list) != 40 {
			t.Fatalf("windows of %d: %d secrets, in one window %d, and there are 40", size, len(list), len(want))
		}
		for i := range list {
			if list[i].From != want[i].From || list[i].To != want[i].To || list[i].Type != want[i].Type {
				t.Errorf("windows of %d: %+v, want %+v", size, list[i], want[i])
			}
		}
	}
}

func TestCleanTextAllocatesNothing(t *testing.T) {
	text := []byte(strings.Repeat("Dear Anna, the invoice of 12 May is due: please pay. https://www.example.org/a/b?c=d\n", 2000))
	d, w := New(), &detect.Window{Text: text, To: len(text) + 1}
	none := func(detect.Hit) { t.Error("something was found") }
	d.Scan(w, none)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	if n := testing.AllocsPerRun(20, func() { d.Scan(w, none) }); n > 0 {
		t.Errorf("%v allocations in a clean window", n)
	}
}

func FuzzScan(f *testing.F) {
	for _, r := range rules() {
		for _, p := range words(r.prefix) {
			f.Add([]byte("x " + made(&r, p) + " y"))
		}
	}
	f.Add([]byte("password: \"\\\"\n-----BEGIN PRIVATE KEY-----\\n<token a='"))
	f.Add([]byte("kind: Secret\nstringData:\n  a: |\n    b\ndata:\n"))
	d := New()
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, size := range []int{0, 64} {
			s := detect.Stream{Detectors: []detect.Detector{d}, Size: size, Found: func(detect.Found) {},
				Failed: func(_ detect.Detector, why error) { t.Fatal(why) }}
			_, _ = s.Write(text)
			_ = s.Close()
		}
	})
}

func TestALongSecretIsFoundByItsBeginning(t *testing.T) {
	list := find("x sl" + "." + invented(alnum, 900, 1) + " y")
	if len(list) != 1 || len(list[0].Value) != maxValue || list[0].To-list[0].From != 903 {
		t.Errorf("%d found", len(list))
	}
}

// TestALongWordIsReadOnce would take hours if each eight bytes of a word
// looked at all of it again.
func TestALongWordIsReadOnce(t *testing.T) {
	for _, text := range []string{strings.Repeat("y", 4<<20), strings.Repeat("y-.", 1<<20), strings.Repeat("a1b2", 1<<20), strings.Repeat("=", 4<<20), strings.Repeat("key=", 1<<18), strings.Repeat("password=", 1<<17)} {
		w := &detect.Window{Text: []byte(text), To: len(text)}
		New().Scan(w, func(detect.Hit) {})
	}
}

// TestHostileTextTakesNoLongerThanOther has no clock: when a place makes the
// text be read again to its end, this takes minutes.
func TestHostileTextTakesNoLongerThanOther(t *testing.T) {
	d := New()
	for _, piece := range []string{
		"-eyJ", "sb_secret_", "-----BEGIN PRIVATE KEY-----", "password: ", "password='", "://a:b@", "kty: ", `"kty":"d":`,
		"password is ", "<password>", "kind: secret\ndata:\n a: b\n", "LS0tLS1C", "MII", "password\n", "PuTTY-User-Key-File-3: ",
		"IDENTIFIED BY ", "curl -u a:b ", "Authorization: ", "a:1234:b:c:d\n", "$6$", "token = ${", "=", "JQQJ99", `x=\"`,
		"eyJhbGciOiJIUzI1NiJ9.", "longword", "x1",
	} {
		text := []byte(strings.Repeat(piece, (256<<10)/len(piece)))
		d.Scan(&detect.Window{Text: text, To: len(text) + 1}, func(detect.Hit) {})
	}
}
