package gateway

import (
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

func TestOneTenantDoesNotTakeAllPlacesForJudgingInCustody(t *testing.T) {
	var j judges
	taken := 0
	for n := range 2 * judgePlaces {
		if j.begin(fmt.Sprint("a", n), "a") {
			taken++
		}
	}
	if taken != judgePerTenant {
		t.Errorf("one tenant has %d places", taken)
	}
	for n := range 2 * judgePlaces {
		if j.begin(fmt.Sprint("b", n), "b") {
			taken++
		}
	}
	if taken != judgePlaces {
		t.Errorf("%d places were given out", taken)
	}
}

// Rules see the first ten thousand authors: that there are more is said.
func TestAuthorsThatNobodyLooksAtAreSaid(t *testing.T) {
	for _, test := range []struct {
		authors int
		unseen  bool
	}{{mail.MaxAddresses - 1, false}, {mail.MaxAddresses + 1, true}} {
		text := "From: x@contoso.example" + strings.Repeat(",\r\n a@contoso.example", test.authors-1) + "\r\n\r\nhello\r\n"
		e := mail.Envelope{From: "x@contoso.example", To: recipientsOf(1)}
		i := Inspect(t.Context(), nothing{}, &tenant.Tenant{ID: "contoso"}, nil, mail.Out, e, mail.Bytes(text))
		if said := len(i.Facts.Unseen) > 0; said != test.unseen {
			t.Errorf("%d authors, %d in the facts: unseen is %v", test.authors, len(i.Facts.From), i.Facts.Unseen)
		}
	}
}
