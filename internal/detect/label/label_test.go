package label_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/label"
)

const (
	secret = "8f1a1c0e-52d4-4a1e-9c3b-0a1b2c3d4e5f"
	public = "11111111-2222-3333-4444-555555555555"
	site   = "99999999-8888-7777-6666-555555555555"
)

func TestMSIP(t *testing.T) {
	tests := []struct {
		name   string
		fields []label.Field
		want   []detect.Label
	}{
		{"a label with all attributes", []label.Field{{"MSIP_Labels",
			"MSIP_Label_" + secret + "_Enabled=true; MSIP_Label_" + secret + "_SiteId=" + site + "; MSIP_Label_" + secret +
				"_SetDate=2026-11-08T21:13:16Z; MSIP_Label_" + secret + "_Name=Secret=1; MSIP_Label_" + secret +
				"_ContentBits=3; MSIP_Label_" + secret + "_Method=Privileged;"}},
			[]detect.Label{{Scheme: "msip", ID: secret, SiteID: site, Name: "Secret=1", ContentBits: 3, Method: "Privileged"}}},
		{"the field's name and the keys come in any case", []label.Field{{"msip_labels",
			"msip_label_" + "8F1A1C0E-52D4-4A1E-9C3B-0A1B2C3D4E5F" + "_enabled=True"}},
			[]detect.Label{{Scheme: "msip", ID: secret}}},
		{"parent and child are both reported", []label.Field{{"MSIP_Labels",
			"MSIP_Label_" + secret + "_Enabled=true;MSIP_Label_" + public + "_Enabled=true"}},
			[]detect.Label{{Scheme: "msip", ID: public}, {Scheme: "msip", ID: secret}}},
		{"folding inside a key does not hide a label", []label.Field{{"MSIP_Labels",
			" MSIP_Label_" + secret + "_ Enabled = true "}},
			[]detect.Label{{Scheme: "msip", ID: secret}}},
		{"a label that is not enabled is none", []label.Field{{"MSIP_Labels",
			"MSIP_Label_" + secret + "_Enabled=false; MSIP_Label_" + public + "_Name=x"}}, nil},
		{"what is no GUID is no label", []label.Field{{"MSIP_Labels", "MSIP_Label_zz_Enabled=true; =; ;;MSIP_Label_"}}, nil},
		{"another field is not read", []label.Field{{"Subject", "MSIP_Label_" + secret + "_Enabled=true"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, msip(tt.fields)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRules(t *testing.T) {
	rules, err := label.Rules([]detect.HeaderRule{{ID: "classified", Name: "X-Classification", Pattern: `(?i)^secret\b`}})
	if err != nil {
		t.Fatal(err)
	}
	f, ok := rules[0].Find([]label.Field{{"x-classification", "Secret / internal"}, {"X-Classification", "public"}})
	if !ok || f.Count != 1 || f.Type != "CLASSIFIED" || f.Confidence != detect.High {
		t.Errorf("got %+v, %v", f, ok)
	}
	if _, ok := rules[0].Find([]label.Field{{"X-Classification", "not secret"}}); ok {
		t.Error("a value that does not match was found")
	}
	if _, err := label.Rules([]detect.HeaderRule{{ID: "broken", Pattern: "("}}); err == nil {
		t.Error("a broken pattern was taken")
	}
}

func FuzzMSIP(f *testing.F) {
	f.Add("MSIP_Labels", "MSIP_Label_"+secret+"_Enabled=true; MSIP_Label_"+secret+"_Name=a")
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, l := range msip([]label.Field{{name, value}}) {
			if l.Scheme != "msip" || len(l.ID) != 36 {
				t.Errorf("nonsense: %+v", l)
			}
		}
	})
}

func ExampleMSIP() {
	labels := msip([]label.Field{{Name: "MSIP_Labels",
		Value: "MSIP_Label_" + public + "_Enabled=true; MSIP_Label_" + public + "_Name=Confidential"}})
	fmt.Println(labels[0].Name)
	// Output: Confidential
}

// msip is the labels alone.
func msip(fields []label.Field) []detect.Label {
	list, _ := label.MSIP(fields)
	return list
}

func TestMoreLabelsThanAreKeptAreSaid(t *testing.T) {
	var b strings.Builder
	for i := range 65 {
		if _, more := label.MSIP([]label.Field{{Name: "MSIP_Labels", Value: b.String()}}); more {
			t.Errorf("%d labels are too many", i)
		}
		fmt.Fprintf(&b, "MSIP_Label_00000000-0000-0000-0000-%012d_Enabled=True; ", i)
	}
	if _, more := label.MSIP([]label.Field{{Name: "MSIP_Labels", Value: b.String()}}); !more {
		t.Error("65 labels are not said to be too many")
	}
}
