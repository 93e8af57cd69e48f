package mail

import "testing"

// The groups that are decoded in one piece give what each character alone
// gives, wherever the source and the room for the text end.
func TestWholeGroupsAreWhatTheirCharactersAre(t *testing.T) {
	const text = "TWFu\r\nIGlz\r\n IGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24s+/-_\n=AA==BB\r\n\r\nZm9v!YmFy\r"
	slow := func(src string) (out []byte) {
		var d base64Decoder
		var room [3]byte
		for i := range src {
			n, _ := d.step(room[:], []byte{src[i]}, i == len(src)-1)
			out = append(out, room[:n]...)
		}
		return out
	}
	for from := range text {
		for size := 3; size < 40; size++ {
			src := []byte(text[from:])
			var d base64Decoder
			var got []byte
			for len(src) > 0 {
				room := make([]byte, size)
				n, taken := d.step(room, src, true)
				got, src = append(got, room[:n]...), src[taken:]
				if n == 0 && taken == 0 {
					t.Fatalf("%q with room for %d stands still", text[from:], size)
				}
			}
			if want := slow(text[from:]); string(got) != string(want) {
				t.Fatalf("%q with room for %d: %q, not %q", text[from:], size, got, want)
			}
		}
	}
}
