package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/internal/detect/dlp"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
	"postern.dev/postern/packs"
)

// threshold is the end of the condition of every profile.
var threshold = regexp.MustCompile(`^(.* >= )([0-9]+)$`)

// ofProfile is the pack of a profile: its condition with a number that can be
// chosen, and tests made of its samples.
func ofProfile(x profile.Profile) (Pack, error) {
	m := threshold.FindStringSubmatch(x.When)
	if m == nil {
		return Pack{}, fmt.Errorf("the condition does not end in a number: %s", x.When)
	}
	p := Pack{
		ID: x.ID, Name: x.Name, Profile: x.ID, generated: true, Finds: x.Description,
		Does: does(x.Then),
		Costs: "False positives: numbers that happen to pass a checksum, and words that mean something else. " + x.Guide +
			" Work: who holds mail decides about it; watch first, and look at the numbers.",
		Settings: []Setting{{Name: "least", Value: m[2], Means: "so many different values must be found in a message. " + inWords(m[2])}},
	}
	p.policies = fmt.Sprintf("kind: policy\nid: %s\nname: %q\nmode: ${mode}\nwhen: '%s${least}'\nthen: %s\n",
		x.ID, x.Name, strings.ReplaceAll(m[1], "'", "''"), x.Then)
	p.tests = testsOf(x)
	return p, nil
}

// does says what happens to what a profile finds.
func does(then string) string {
	switch then {
	case "block":
		return "Recipients outside do not get the message; the sender is told why."
	case "notify":
		return "The message goes out, and the sender gets a note."
	}
	return "For recipients outside the message waits until somebody decides; the others get it at once."
}

// inWords says what a number stands for.
func inWords(n string) string {
	const ladder = "1: any at all; 3: more than a slip; 10: a list; 50: an export"
	if n == "1" {
		return ladder
	}
	return "Of fewer, everyday mail is full. " + strings.ToUpper(ladder[:1]) + ladder[1:]
}

// testsOf makes tests of samples: what must be found goes outside and inside,
// what must not be found goes outside.
func testsOf(x profile.Profile) string {
	yes, no := x.True, x.False
	sure, low := samples(x)
	if len(yes) == 0 {
		yes = sure
	}
	if no = slices.Concat(no, low); len(no) == 0 {
		no = []string{"The meeting is at noon, and lunch is at one."}
	}
	end := ""
	if x.Then == string(policy.HoldFor) {
		end = "  then: refuse\n"
	}
	var expect, messages strings.Builder
	for i, text := range yes {
		fmt.Fprintf(&expect, "- mail: found-%d.eml\n  policy: %s\n  alone: true\n"+
			"  recipients: { bob@fabrikam.example: %s, boss@contoso.example: deliver }\n%s", i+1, x.ID, x.Then, end)
		fmt.Fprintf(&messages, "-- found-%d.eml --\n%s", i+1, message("bob@fabrikam.example, boss@contoso.example", text))
	}
	for i, text := range no {
		fmt.Fprintf(&expect, "- { mail: nothing-%d.eml, policy: %s, alone: true, expect: deliver }\n", i+1, x.ID)
		fmt.Fprintf(&messages, "-- nothing-%d.eml --\n%s", i+1, message("bob@fabrikam.example", text))
	}
	return "What the profile " + x.ID + " finds, and what it does not.\n-- expect.yaml --\n" + expect.String() +
		messages.String()
}

func message(to, text string) string {
	return "From: ann@contoso.example\nTo: " + to + "\nSubject: Sample\nMIME-Version: 1.0\n" +
		"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" +
		strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "${", "$ {") + "\n\n"
}

// samples are what a detector of the profile finds, of one for people first,
// and that of which it is not sure.
func samples(x profile.Profile) (sure, low []string) {
	if len(x.Needs) != 1 {
		return nil, nil
	}
	order := []string{"national-id", "health", "tax", "passport"}
	for i, category := range append(order, order...) {
		for _, p := range dlp.Packs() { // first those that are not taken for others
			if p.Category == category && slices.Contains(x.Needs[0], p.Type) && (p.Class == dlp.ClassD) == (i >= len(order)) {
				more, unsure := samplesOf(p.ID)
				if sure, low = append(sure, more...), append(low, unsure...); len(sure) >= 2 && len(low) > 0 {
					return sure[:min(len(sure), 4)], low[:1]
				}
			}
		}
	}
	return sure[:min(len(sure), 4)], low[:min(len(low), 1)]
}

// samplesOf are the samples in the file of a detector: those that it finds,
// and those of which it is not sure.
func samplesOf(id string) (sure, low []string) {
	for _, f := range packs.Detectors() {
		var file struct{ Samples map[string][]string }
		if f.Name == "detectors/"+id+".yaml" && yaml.Unmarshal(f.Data, &file) == nil {
			return file.Samples["true"], file.Samples["low"]
		}
	}
	return nil, nil
}
