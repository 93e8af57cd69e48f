package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// contract is the block of the contract, letter by letter.
const contract = `hostname: gw.postern.example
data: ./data                       # embedded store: SQLite and body files
keys: file:./postern.key           # wraps the per-message keys; created with 0600 at first start when missing
smtp:    { listen: ":25", tls: { cert: gw.pem, key: gw.key } }
console: { listen: "127.0.0.1:8025" }          # administrators and API; refused on a non-loopback address until sign-in is configured
public:  { listen: ":8443", name: mail.contoso.example, tls: { cert: …, key: … } }   # approval and pick-up pages only; absent = off
metrics: { listen: "127.0.0.1:9090" }
apply: [./tenants]                 # tenant and policy files loaded at start when they changed
patience: 20s                      # how long judging may keep the client waiting
retry: { schedule: [1m, 5m, 15m, 1h], give_up: 24h }
limits: { message: 200MiB, memory_per_message: 1MiB, depth: 50, parts: 10000, judge: 60s }
`

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postern.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheContractsConfigurationLoads(t *testing.T) {
	path := configFile(t, contract)
	c, err := LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Public.Name != "mail.contoso.example" || c.Public.Listen != ":8443" || c.Public.TLS.Cert == "" {
		t.Errorf("public: %+v", c.Public)
	}
	if c.Patience != 20*time.Second || len(c.Retry.Schedule) != 4 || c.Limits.Parts != 10000 || c.SMTP.MaxSize != 200<<20 {
		t.Errorf("%+v", c)
	}
	if !strings.HasPrefix(c.Data, filepath.Dir(path)) || !filepath.IsAbs(c.Apply[0]) {
		t.Errorf("paths are those of the file: %s %s", c.Data, c.Apply[0])
	}
}

func TestEveryMistakeNamesItsKeyAndItsLine(t *testing.T) {
	const host = "hostname: gw.postern.example\n"
	for _, x := range []struct{ name, text, want string }{
		{"a bad span does not hide others", "patience: 5x\nlog: tex\n", `:2:11: patience: "5x" is not a span of time`},
		{"the other one is told too", "patience: 5x\nlog: tex\n", `:3:1: log: "tex" is unknown`},
		{"a span without a unit", "patience: 20\n", `:2:11: patience: "20" is not a span of time (write for example 20s`},
		{"a span of nothing", "patience: 0s\n", `:2:1: patience: must be longer than nothing`},
		{"a negative span", "limits: { judge: -5s }\n", `:2:11: limits.judge: must be longer than nothing`},
		{"patience longer than a client waits", "patience: 1h\n", `patience: 1h0m0s is out of range`},
		{"a depth of nothing", "limits: { depth: 0 }\n", `:2:11: limits.depth: 0 is not from 1 to 1000`},
		{"negative parts", "limits: { parts: -1 }\n", `limits.parts: -1 is not from 1 to 1000000`},
		{"negative lookers", "limits: { lookers: -1 }\n", `limits.lookers: -1 is not from 0 to 1024`},
		{"a tiny message", "limits: { message: 5 }\n", `:2:11: limits.message: 5 octets are out of range`},
		{"memory for nothing", "limits: { memory_per_message: 1 }\n", `limits.memory_per_message: 1 octets are out of range`},
		{"giving up before the first pause", "retry: { schedule: [1h], give_up: 5m }\n", `retry.give_up: 5m0s is shorter than the first pause of 1h0m0s`},
		{"giving up before the default's first pause", "retry: { give_up: 5s }\n", `retry.give_up: 5s is shorter than the first pause of 1m0s`},
		{"a pause of nothing", "retry: { schedule: [1m, 0s] }\n", `:2:10: retry.schedule[1]: must be longer than nothing`},
		{"the back door's spans", "deliver: { idle: -1s }\n", `:2:12: deliver.idle: -1s is negative`},
		{"the resolver's", "dns: { rounds: -1 }\n", `:2:8: dns.rounds: -1 is negative`},
		{"bodies elsewhere", "bodies: s3://bucket/x\n", `:2:1: bodies: s3:// is not part of this version`},
		{"bodies in another folder", "bodies: file:/var/bodies\n", `bodies: another folder than`},
		{"a public listener without a port", "public: { listen: here, name: mail.contoso.example }\n", `public.listen: "here" is not host:port`},
		{"a public listener without a name", "public: { listen: \":8443\" }\n", `public.name: "" is not a host name`},
		{"a public certificate without its key", "public: { listen: \":1\", name: a.example, tls: { cert: a } }\n", `public.tls: cert and key belong together`},
		{"two documents", "---\nhostname: x\n", `a second document stands in this file`},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := LoadConfig(configFile(t, host+x.text))
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got %v, want %s", err, x.want)
			}
			if err != nil && strings.Contains(err.Error(), "smtp.max_size") {
				t.Errorf("a key that nobody wrote: %v", err)
			}
		})
	}
	for _, text := range []string{"bodies: file:./data/bodies\n", "bodies: data/bodies\n", "bodies: \"\"\n"} {
		if _, err := LoadConfig(configFile(t, host+text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestNothingIsJudgedBehindASyntaxError(t *testing.T) {
	path := configFile(t, "smtp: { listen: [\nhostname: x")
	list := Check(t.Context(), path, CheckOptions{})
	if len(list) != 1 || list[0].Level != LevelMistake || !strings.Contains(list[0].Place, "postern.yaml:") {
		t.Errorf("%+v", list)
	}
}

func TestADatabaseThatIsNotThereIsSaidToBeSo(t *testing.T) {
	path := configFile(t, "hostname: gw.postern.example\nstore: postgres://127.0.0.1:1/y\nsmtp: { listen: \"127.0.0.1:25\" }\n")
	var told bool
	for _, r := range Check(t.Context(), path, CheckOptions{}) {
		if r.Level == LevelMistake {
			told = true
			if !strings.Contains(r.Text, "store: cannot be reached") {
				t.Errorf("%+v", r)
			}
		}
	}
	if !told {
		t.Error("no mistake")
	}
}
