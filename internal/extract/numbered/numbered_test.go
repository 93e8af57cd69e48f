package numbered

import "testing"

func TestNumbersAreWrittenInTheKindsOfWord(t *testing.T) {
	for _, tt := range []struct {
		n, kind int
		want    string
	}{
		{4, Plain, "4"}, {1994, UpperRoman, "MCMXCIV"}, {4, LowerRoman, "iv"}, {0, UpperRoman, "0"}, {5000, UpperRoman, "5000"},
		{1, LowerLetter, "a"}, {28, UpperLetter, "BB"}, {1000, LowerLetter, "1000"}, {1, Ordinal, "1st"}, {12, Ordinal, "12th"},
		{23, Ordinal, "23rd"}, {7, TwoDigits, "07"}, {17, TwoDigits, "17"}, {3, Bullet, ""}, {3, None, ""}, {3, 99, "3"},
	} {
		if got := Write(tt.n, tt.kind); got != tt.want {
			t.Errorf("%d in kind %d is %q, want %q", tt.n, tt.kind, got, tt.want)
		}
	}
}
