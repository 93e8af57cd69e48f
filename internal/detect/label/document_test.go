package label_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/label"
)

func TestLabelsOfDocuments(t *testing.T) {
	titus := `{"CategoryLabels":"","Metadata":{"ns":"http://www.titus.com/ns/contoso","id":"x","props":[` +
		`{"n":"Classification","vals":[{"value":"Secret"}]},{"n":"Caveat","vals":[{"value":"A"},{"value":"B"}]}]}}`
	tests := []struct {
		name       string
		properties map[string]string
		want       []detect.Label
	}{
		{"custom properties", map[string]string{
			"custom:MSIP_Label_" + secret + "_Enabled": "True", "custom:MSIP_Label_" + secret + "_Name": "Secret",
			"custom:MSIP_Label_" + secret + "_SiteId": site, "title": "x",
		}, []detect.Label{{Scheme: "msip", ID: secret, SiteID: site, Name: "Secret"}}},
		{"LabelInfo, with the name of the old property", map[string]string{
			"labelinfo:{" + strings.ToUpper(secret) + "}:enabled": "1", "labelinfo:{" + strings.ToUpper(secret) + "}:siteId": "{" + site + "}",
			"labelinfo:{" + strings.ToUpper(secret) + "}:method": "privileged", "labelinfo:{" + strings.ToUpper(secret) + "}:contentBits": "8",
			"custom:MSIP_Label_" + secret + "_Enabled": "false", "custom:MSIP_Label_" + secret + "_Name": "Secret",
		}, []detect.Label{{Scheme: "msip", ID: secret, SiteID: site, Name: "Secret", Method: "Privileged", ContentBits: 8}}},
		{"removed in LabelInfo, left in the old property", map[string]string{
			"labelinfo:" + secret + ":enabled": "1", "labelinfo:" + secret + ":removed": "1",
			"custom:MSIP_Label_" + secret + "_Enabled": "true", "custom:MSIP_Label_" + public + "_Enabled": "true",
		}, []detect.Label{{Scheme: "msip", ID: public}}},
		{"PDF", map[string]string{
			"info:MSIP_Label_" + secret + "_Enabled": "true", "xmp:pdfx:MSIP_Label_" + public + "_Enabled": "true",
			"xmp:pdfx:MSIP\u2182005fLabel_" + site + "_Enabled": "true",
		}, []detect.Label{{Scheme: "msip", ID: public}, {Scheme: "msip", ID: secret}, {Scheme: "msip", ID: site}}},
		{"Titus", map[string]string{
			"custom:TitusGUID": "1", "custom:Classification": "Internal",
			"custom:TitusMetadata": base64.StdEncoding.EncodeToString([]byte(titus)),
		}, []detect.Label{
			{Scheme: "titus", ID: "Caveat", Name: "A"}, {Scheme: "titus", ID: "Caveat", Name: "B"},
			{Scheme: "titus", ID: "Classification", Name: "Internal"}, {Scheme: "titus", ID: "Classification", Name: "Secret"},
		}},
		{"a property called Classification alone is none", map[string]string{"custom:Classification": "Internal"}, nil},
		{"Boldon James", map[string]string{
			"custom:bjDocumentSecurityLabel": "Company Secret",
			"custom:bjDocumentLabelXML":      `<?xml version="1.0"?><sisl xmlns="x" sislVersion="0"><element uid="id_cla`,
			"custom:bjDocumentLabelXML-0":    `ssification" value="Secret"/></sisl>`,
		}, []detect.Label{
			{Scheme: "boldon-james", ID: "bjDocumentSecurityLabel", Name: "Company Secret"},
			{Scheme: "boldon-james", ID: "id_classification", Name: "Secret"},
		}},
		{"long words are cut", map[string]string{"custom:bjDocumentSecurityLabel": strings.Repeat("x", 1000)},
			[]detect.Label{{Scheme: "boldon-james", ID: "bjDocumentSecurityLabel", Name: strings.Repeat("x", 200) + "…"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, more := label.Document(tt.properties)
			if diff := cmp.Diff(tt.want, got); diff != "" || more {
				t.Error(diff, more)
			}
		})
	}
}

func TestMarksOfOtherProductsInMail(t *testing.T) {
	titus := base64.StdEncoding.EncodeToString([]byte(`{"Metadata":{"props":[{"n":"Class","vals":[{"value":"Secret"}]}]}}`))
	for _, tt := range []struct {
		field label.Field
		want  []detect.Label
	}{
		{label.Field{Name: "x-titus-metadata-40", Value: titus[:20] + " " + titus[20:]}, []detect.Label{{Scheme: "titus", ID: "Class", Name: "Secret"}}},
		{label.Field{Name: "X-Titus-Metadata-40", Value: "broken"}, nil},
		{label.Field{Name: "X-Protective-Marking", Value: "VER=2018.4, NS=gov.au, SEC=OFFICIAL:Sensitive, CAVEAT=SH:CABINET"},
			[]detect.Label{{Scheme: "pspf", ID: "CAVEAT", Name: "SH:CABINET"}, {Scheme: "pspf", ID: "SEC", Name: "OFFICIAL:Sensitive"}}},
		{label.Field{Name: "Subject", Value: "Plans [SEC=PROTECTED]"}, []detect.Label{{Scheme: "pspf", ID: "SEC", Name: "PROTECTED"}}},
		{label.Field{Name: "Subject", Value: "Plans [SEC=PROTECTED"}, nil},
	} {
		got, _ := label.Mail([]label.Field{tt.field})
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.field.Value, diff)
		}
	}
}

func TestPropertyRules(t *testing.T) {
	rules, err := label.PropertyRules([]detect.PropertyRule{
		{ID: "ours", Name: "Classif*", Pattern: "(?i)^secret"}, {ID: "safetica", Name: "custom:Safetica*"},
	})
	if err != nil {
		t.Fatal(err)
	}
	properties := map[string]string{"custom:Classification": "Secret", "info:classified": "secret too", "custom:SafeticaTag": "7"}
	if f, ok := rules[0].Find(properties); !ok || f.Count != 2 || f.Type != "OURS" || f.Sample != "custom:Classification" {
		t.Errorf("%+v %v", f, ok)
	}
	if f, ok := rules[1].Find(properties); !ok || f.Count != 1 {
		t.Errorf("%+v %v", f, ok)
	}
	if _, ok := rules[1].Find(map[string]string{"info:SafeticaTag": "7"}); ok {
		t.Error("a property that stands elsewhere was taken")
	}
}

func FuzzDocument(f *testing.F) {
	f.Add("custom:MSIP_Label_"+secret+"_Enabled", "true", "custom:bjDocumentLabelXML", "<sisl><element uid='a' value='b'/></sisl>")
	f.Add("labelinfo:"+secret+":enabled", "1", "custom:TitusMetadata", `{"Metadata":{"props":[{"n":"a","vals":[{"value":"b"}]}]}}`)
	f.Add("xmp:pdfx:MSIP\u2182005f", "true", "xmp:\u2182", "x")
	f.Fuzz(func(t *testing.T, key, value, key2, value2 string) {
		list, _ := label.Document(map[string]string{key: value, key2: value2})
		for _, l := range list {
			if l.Scheme == "" || len(l.Name) > 210 || len(l.ID) > 210 {
				t.Errorf("nonsense: %+v", l)
			}
		}
	})
}
