package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// Bounds of the header fields that no policy asks for and that are kept for
// drafts of the future.
const (
	keepValue = 512 // octets of one field, all its values together
	keepNames = 100 // other fields of which only the name is kept
)

// keepHeaders writes down the fields that the policies ask for, those that
// drafts commonly ask for, and the names of all others: a draft can then know
// of a field that it was not there.
func keepHeaders(f *policy.Facts, s subject) {
	secrets := s.tenant.Secrets()
	values := func(name string) []string {
		list := s.header.Values(name)
		for i, v := range list {
			list[i] = scrub(v, secrets)
		}
		if list == nil {
			return []string{} // it was not there, which is known
		}
		return list
	}
	for _, name := range s.tenant.Policies.Headers() {
		f.Headers[strings.ToLower(name)] = values(name)
	}
	common := policy.KeptHeaders()
	others := []string{}
	for _, field := range s.header.Fields() {
		name := strings.ToLower(field.Name)
		if _, kept := f.Headers[name]; kept || slices.Contains(others, name) {
			continue
		}
		if _, frequent := slices.BinarySearch(common, name); frequent {
			if list := values(name); sum(list) <= keepValue {
				f.Headers[name] = list
				continue
			}
		}
		if others = append(others, name); len(others) > keepNames {
			return // which is missing cannot be known then
		}
	}
	f.Other = others
}

func sum(list []string) (n int) {
	for _, s := range list {
		n += len(s)
	}
	return n
}

// lookedWith names the built-in detectors and what the tenant told them.
func lookedWith(t *tenant.Tenant) string {
	text, _ := regionsForm.Append([]byte("["), &t.Looking.Regions)
	text = strconv.AppendBool(append(text, ','), t.Looking.BodyPasswords)
	text = strconv.AppendInt(append(text, ','), int64(len(t.Looking.Passwords)), 10)
	hash := sha256.Sum256(append(text, ']'))
	return look.Version() + "-" + hex.EncodeToString(hash[:3])
}
