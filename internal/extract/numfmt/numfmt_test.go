package numfmt_test

import (
	"testing"

	"postern.dev/postern/internal/extract/numfmt"
)

func TestNumbersAreShownAsInASheet(t *testing.T) {
	tests := []struct {
		code string
		v    float64
		want string
	}{
		{"General", 4111111111111111, "4111111111111111"},
		{"General", 0.1 + 0.2, "0.3"},
		{"General", -12.5, "-12.5"},
		{"0.00E+00", 4111111111111111, "4.11E+15 4111111111111111"},
		{"#,##0.00", 1599.99, "1,599.99"},
		{"#,##0.00_);(#,##0.00)", -1599.99, "(1,599.99)"},
		{`"$"#,##0.00_);[Red]("$"#,##0.00)`, -1599.99, "($1,599.99)"},
		{"0.00%", 0.025, "2.50%"},
		{"0%", 0.025, "3%"},
		{"# ?/?", 2.5, "2 1/2"},
		{"# ??/??", 0.3333333, "1/3"},
		{"d-mmm-yy", 39219, "17-May-07"},
		{"m/d/yy h:mm", 39466.190972, "1/19/08 4:35"},
		{"h:mm", 0.26041667, "6:15"},
		{"h:mm AM/PM", 0.76041667, "6:15 PM"},
		{"yyyy\\-mm\\-dd;@", 43363, "2018-09-20"},
		{"[$-409]d\\-mmm\\-yyyy;@", 43363, "20-Sep-2018"},
		{"[h]:mm:ss", 1.5, "36:00:00"},
		{"000-00-0000", 123456789, "123-45-6789"},
		{"0000 0000 0000 0000", 4111111111111110, "4111 1111 1111 1110"},
		{"#,", 4111111111, "4111111 4111111111"},
		{`"secret"`, 41111111, "secret 41111111"},
		{";;;", 41111111, "41111111"},
		{"[<10]0.0;[>=10]0", 12.3, "12"},
		{"00000", 123, "00123"},
		{"#.##", 0.5, ".5"},
		{"[$€-407] #,##0", 1234, "€ 1,234"},
		{"@", 12, "12"},
		{"mm:ss.0", 0.5, "00:00.0"},
	}
	for _, tt := range tests {
		if got := numfmt.Format(tt.code, tt.v, false); got != tt.want {
			t.Errorf("%s of %v: %q, want %q", tt.code, tt.v, got, tt.want)
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, code := range []string{"General", "# ??/??", "[h]:mm:ss", `"$"#,##0.00_);[Red]("$"#,##0.00)`, "0.00E+00", "[<=9]000-0;00", "d-mmm-yy AM/PM", "%.,0#"} {
		f.Add(code, 39219.5)
		f.Add(code, -1e300)
	}
	f.Fuzz(func(t *testing.T, code string, v float64) {
		if got := numfmt.Format(code, v, false); len(got) > 2*len(code)+4096 {
			t.Errorf("%d octets", len(got))
		}
	})
}
