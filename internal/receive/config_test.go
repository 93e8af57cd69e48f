package receive

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestTheConfigurationIsReadFromYAML(t *testing.T) {
	var c Config
	err := yaml.UnmarshalWithOptions([]byte(`
listen: ":25, [::1]:2525"
tls: { cert: gw.pem, key: gw.key }
name: mx.postern.example
require_tls: false
bare_newline: normalize
max_size: 1000000
timeout: 6m
unlimited: [40.92.0.0/15, "2a01:111:f400::/48"]
`), &c, yaml.Strict())
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "mx.postern.example" || c.RequireTLS == nil || *c.RequireTLS || c.MaxSize != 1000000 ||
		c.Timeout != 6*time.Minute || len(c.Unlimited) != 2 || c.BareNewline != BareNormalize {
		t.Errorf("%+v", c)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestCheckNamesEveryMistake(t *testing.T) {
	if err := (Config{}).Check(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	if err := (Config{}).withDefaults().Check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	err := Config{Listen: "x", TLS: TLSFiles{Cert: "a"}, Name: "a b", MaxRecipients: 99, MaxErrors: -1,
		GraceTime: time.Millisecond, BareNewline: "no"}.Check()
	for _, key := range []string{"smtp.listen", "smtp.tls", "smtp.name", "smtp.max_recipients", "smtp.max_errors",
		"smtp.grace_time",
		"smtp.bare_newline"} {
		if err == nil || !strings.Contains(err.Error(), key+":") {
			t.Errorf("%s is missing in %v", key, err)
		}
	}
}
