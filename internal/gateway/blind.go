package gateway

import (
	"slices"
	"strings"
	"unicode/utf8"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// blind takes from a judgment that holds a message what an administrator must
// not see in the record: the names of its files and of the sheets in them show
// the first two characters and the ending. The facts stay whole, and the record
// keeps them encrypted; who may see the message sees its names there. A copy or
// a journal report (watched) waits for nobody, but the message that it is of does.
func (j *judgment) blind(watched bool) {
	waits := func(r policy.RecipientVerdict) bool { return holds(r.Action) || watched && holds(r.Would) }
	if !slices.ContainsFunc(j.verdict.Recipients, waits) {
		return
	}
	j.blinded = true
	blot := NameBlotter(j.names())
	j.report.Parts = slices.Clone(j.report.Parts)
	for i := range j.report.Parts {
		j.report.Parts[i].Name = BlotName(j.report.Parts[i].Name)
	}
	j.report.Findings = slices.Clone(j.report.Findings)
	for i := range j.report.Findings {
		f := &j.report.Findings[i]
		f.Name, f.Place, f.Why = BlotName(f.Name), blotPlace(f.Place), blotAll(blot, f.Why)
	}
	j.report.Unseen, j.verdict.Unseen = blotUnseen(j.report.Unseen), blotUnseen(j.verdict.Unseen)
	j.verdict.Recipients = slices.Clone(j.verdict.Recipients)
	for i := range j.verdict.Recipients {
		j.verdict.Recipients[i].Because = blot(j.verdict.Recipients[i].Because)
	}
}

// holds reports whether a message with this verdict waits for somebody.
func holds(a policy.Action) bool {
	return a == policy.HoldFor || a == policy.Override || a == policy.Secure
}

func blotUnseen(list []mail.Unseen) []mail.Unseen {
	list = slices.Clone(list)
	for i := range list {
		list[i].Name = BlotName(list[i].Name)
	}
	return list
}

func blotAll(blot func(string) string, list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = blot(list[i])
	}
	return list
}

// names are those of the files of a message.
func (j *judgment) names() []string { return append(NamesOf(j.facts), reportNames(j.report)...) }

// NamesOf are the names of files that facts hold.
func NamesOf(f policy.Facts) (list []string) {
	for _, a := range f.Attachments {
		list = append(list, a.Name)
	}
	for _, x := range f.Findings {
		list = append(list, x.Name)
	}
	for _, u := range f.Unseen {
		list = append(list, u.Name)
	}
	return list
}

func reportNames(r detect.Report) (list []string) {
	for _, p := range r.Parts {
		list = append(list, p.Name)
	}
	for _, f := range r.Findings {
		list = append(list, f.Name)
	}
	return list
}

// BlotName shows of the name of a file enough to recognize it, and no more.
func BlotName(name string) string {
	if name == "" {
		return ""
	}
	parts := strings.Split(name, "/")
	for i, p := range parts {
		ending := ""
		if at := strings.LastIndexByte(p, '.'); at >= 0 && len(p)-at <= 6 {
			p, ending = p[:at], p[at:]
		}
		runes := []rune(p)
		show := 0
		if len(runes) > 5 {
			show = 2
		}
		parts[i] = string(runes[:show]) + "•••" + ending
	}
	return strings.Join(parts, "/")
}

// blotPlace hides the name of a sheet or a bookmark: "sheet 2 (Salaries)".
func blotPlace(place string) string {
	start, end := strings.IndexByte(place, '('), strings.LastIndexByte(place, ')')
	if start < 0 || end < start {
		return place
	}
	return place[:start+1] + "•••" + place[end:]
}

// NameBlotter blots names out of texts.
func NameBlotter(names []string) func(string) string {
	var pairs []string
	seen := map[string]bool{}
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, n := range names {
		if n == "" || seen[n] {
			continue
		}
		seen[n] = true
		if utf8.RuneCountInString(n) > 7 || strings.Contains(n, ".") {
			pairs = append(pairs, n, BlotName(n))
		} else { // a word that may stand anywhere
			pairs = append(pairs, " in "+n, " in "+BlotName(n))
		}
	}
	return strings.NewReplacer(pairs...).Replace
}

// factsFor are the facts of a judgment as the record keeps them.
func (j *judgment) factsFor() audit.Facts {
	f := kept(j.facts)
	f.Sealed = j.blinded
	return f
}
