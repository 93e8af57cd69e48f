package story

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/mailflow"
)

// The words that set the stage.

func setHouse(s *stage, words []string) error {
	if s.house != nil {
		return fmt.Errorf("the house stands already")
	}
	o, err := options(words, "preset", "setup", "retry", "give-up", "patience")
	if err != nil {
		return err
	}
	s.plan.Preset, s.plan.Setup = o["preset"], o["setup"]
	var retry []time.Duration
	for _, d := range list(o["retry"]) {
		one, err := time.ParseDuration(d)
		if err != nil {
			return err
		}
		retry = append(retry, one)
	}
	giveUp, patience := time.Duration(0), time.Duration(0)
	for key, to := range map[string]*time.Duration{"give-up": &giveUp, "patience": &patience} {
		if o[key] == "" {
			continue
		}
		if *to, err = time.ParseDuration(o[key]); err != nil {
			return err
		}
	}
	s.plan.Configure = func(c *app.Config) {
		c.Retry.Schedule, c.Retry.GiveUp = retry, giveUp
		if patience > 0 {
			c.Patience = patience
		}
	}
	return nil
}

// setSwitch changes an assumption about Exchange Online.
func setSwitch(s *stage, words []string) error {
	if len(words) != 2 || s.house != nil {
		return fmt.Errorf("a switch has a name and a value, before the house stands")
	}
	f := reflect.ValueOf(&s.switches).Elem().FieldByName(words[0])
	switch {
	case !f.IsValid():
		return fmt.Errorf("no switch is called %s", words[0])
	case f.Kind() == reflect.Bool:
		f.SetBool(words[1] == "true")
	case f.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return err
		}
		f.SetInt(int64(d))
	case f.Type() == reflect.TypeFor[[]time.Duration]():
		var steps []time.Duration
		for _, one := range list(words[1]) {
			d, err := time.ParseDuration(one)
			if err != nil {
				return err
			}
			steps = append(steps, d)
		}
		f.Set(reflect.ValueOf(steps))
	case f.Kind() == reflect.String:
		f.SetString(words[1])
	case f.Kind() == reflect.Int:
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return err
		}
		f.SetInt(int64(n))
	}
	return nil
}

func setDNS(s *stage, words []string) error {
	if len(words) < 2 || s.house != nil {
		return fmt.Errorf("dns is set before the house stands")
	}
	name, kind := words[0], words[1]
	var mx []net.MX
	switch {
	case kind == "nothing":
		s.zone = append(s.zone, func(z dns.Static) { delete(z, name) })
		return nil
	case kind == "at" && len(words) == 3:
		addr, err := netip.ParseAddr(words[2])
		s.zone = append(s.zone, func(z dns.Static) { z[name] = dns.Records{Addresses: []netip.Addr{addr}} })
		return err
	case kind != "mx" || len(words)%2 != 0:
		return fmt.Errorf("dns DOMAIN mx PREF HOST …")
	}
	for i := 2; i < len(words); i += 2 {
		pref, err := strconv.ParseUint(words[i], 10, 16)
		if err != nil {
			return err
		}
		mx = append(mx, net.MX{Host: words[i+1], Pref: uint16(pref)})
	}
	s.zone = append(s.zone, func(z dns.Static) { z[name] = dns.Records{MX: mx} })
	return nil
}

// edit changes the tenant's set-up, now or when the house is built.
func (s *stage) edit(change func(map[string]any) error) error {
	var failed error
	edit := func(setup *mailflow.Setup) {
		var tree map[string]any
		text, err := json.Marshal(setup)
		if err == nil {
			err = json.Unmarshal(text, &tree)
		}
		if err == nil {
			err = change(tree)
		}
		if err == nil {
			text, err = json.Marshal(tree)
		}
		if err == nil {
			var fresh *mailflow.Setup
			if fresh, err = mailflow.Load(text); err == nil {
				*setup = *fresh
			}
		}
		if err != nil {
			failed = err
			s.t.Errorf("%s: %v", s.place, err)
		}
	}
	if s.house == nil {
		s.edits = append(s.edits, edit)
		return nil
	}
	if err := s.house.Exchange.Update(s.house.Params.Name, edit); err != nil {
		return err
	}
	return failed
}

// exchangeSet changes one property of a rule, connector or group.
func exchangeSet(s *stage, words []string) error {
	if len(words) != 4 {
		return fmt.Errorf("exchange is rule|connector|group NAME PROPERTY VALUE")
	}
	lists := map[string][]string{
		"rule": {"TransportRules"}, "connector": {"OutboundConnectors", "InboundConnectors"}, "group": {"Groups"},
	}[words[0]]
	var value any
	if json.Unmarshal([]byte(words[3]), &value) != nil {
		value = words[3]
	}
	return s.edit(func(tree map[string]any) error {
		for _, l := range lists {
			all, _ := tree[l].([]any)
			for _, one := range all {
				if m := one.(map[string]any); m["Name"] == words[1] {
					if value == nil {
						delete(m, words[2])
					} else {
						m[words[2]] = value
					}
					return nil
				}
			}
		}
		return fmt.Errorf("no %s is called %s", words[0], words[1])
	})
}

func exchangeAdds(s *stage, words []string) error {
	if len(words) != 2 || s.files[words[1]] == nil {
		return fmt.Errorf("exchange adds LIST FILE.json")
	}
	var item any
	if err := json.Unmarshal(s.files[words[1]], &item); err != nil {
		return err
	}
	return s.edit(func(tree map[string]any) error {
		all, _ := tree[words[0]].([]any)
		tree[words[0]] = append(all, item)
		return nil
	})
}

func applyFile(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	if len(words) != 2 {
		return fmt.Errorf("apply NAME FILE")
	}
	return s.apply(words[0], words[1])
}

// options reads pairs of a key and its value.
func options(words []string, known ...string) (map[string]string, error) {
	o := map[string]string{}
	for i := 0; i < len(words); i += 2 {
		found := false
		for _, k := range known {
			found = found || k == words[i]
		}
		if !found || i+1 == len(words) {
			return nil, fmt.Errorf("%s: the words here are %s", words[i], strings.Join(known, ", "))
		}
		o[words[i]] = words[i+1]
	}
	return o, nil
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
