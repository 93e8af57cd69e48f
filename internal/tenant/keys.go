package tenant

import (
	_ "embed"
	"strings"
)

// keys.txt holds what the comments of Config say, a key a line. The house's
// tests make it anew, and fail when it is old.
//
//go:embed keys.txt
var keys string

// Keys says what the keys of a tenant's document mean, by their paths.
func Keys() map[string]string {
	all := map[string]string{}
	for _, line := range strings.Split(keys, "\n") {
		if key, text, ok := strings.Cut(line, "\t"); ok {
			all[key] = text
		}
	}
	return all
}
