package gateway

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

func TestNamesOfFilesAreBlotted(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "prices 2027.xlsx": "pr•••.xlsx", "a.txt": "•••.txt", "README": "RE•••", "box.zip/salaries.docx": "•••.zip/sa•••.docx",
		".profile": ".p•••", "Gehälter.pdf": "Ge•••.pdf", "no.dot at the end": "no•••",
	} {
		if got := BlotName(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
	blot := NameBlotter([]string{"plan", "plan.docx", "plan.docx", "", "salaries plan.docx"})
	const text = `2 IBANs in salaries plan.docx and plan.docx, 1 in plan; the rule "we plan"`
	if got := blot(text); got != `2 IBANs in sa•••.docx and •••.docx, 1 in •••; the rule "we plan"` {
		t.Error(got)
	}
}

func TestTheRecordOfHeldMailNamesNoFileAndTheFactsDo(t *testing.T) {
	made := func(a policy.Action) judgment {
		return judgment{
			report: detect.Report{
				Parts:    []detect.PartInfo{{Part: "2", Name: "salaries.xlsx"}},
				Findings: []detect.Finding{{Name: "salaries.xlsx", Place: "sheet 2 (Board), cell B7", Why: []string{"in salaries.xlsx"}}},
				Unseen:   []mail.Unseen{{Name: "salaries.zip"}},
			},
			facts: policy.Facts{Attachments: []policy.Attachment{{Name: "salaries.xlsx"}}},
			verdict: policy.Verdict{
				Unseen:     []mail.Unseen{{Name: "salaries.zip"}},
				Recipients: []policy.RecipientVerdict{{Action: policy.Deliver}, {Action: a, Because: "1 IBAN in salaries.xlsx goes outside"}},
			},
		}
	}
	j := made(policy.HoldFor)
	j.blind(false)
	all := append([]string{}, j.report.Parts[0].Name, j.report.Findings[0].Name, j.report.Findings[0].Place, j.report.Findings[0].Why[0],
		j.report.Unseen[0].Name, j.verdict.Unseen[0].Name, j.verdict.Recipients[1].Because)
	if text := strings.Join(all, "\n"); strings.Contains(text, "salaries") || strings.Contains(text, "Board") || !strings.Contains(text, "cell B7") {
		t.Error(text)
	}
	if f := j.factsFor(); !f.Sealed || !strings.Contains(string(f.Data), "salaries.xlsx") {
		t.Errorf("%+v", f)
	}
	j = made(policy.Block)
	j.blind(false)
	if f := j.factsFor(); f.Sealed || j.report.Parts[0].Name != "salaries.xlsx" {
		t.Error("what is not held was blotted")
	}
}
