package explain

import (
	"fmt"
	"slices"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Full explains the verdict for a recipient, with the smallest changes to
// another one.
func (x *Explainer) Full(i int) (Why, error) {
	w, err := x.Why(i)
	if err != nil {
		return w, err
	}
	if weaker := x.Weaker(i); weaker.Tried > 0 {
		w.Weaker = &weaker
	}
	if stronger := x.Stronger(i); stronger.Tried > 0 {
		w.Stronger = &stronger
	}
	return w, nil
}

// maxGroups bounds the different verdicts of one message that are explained.
const maxGroups = 20

// Whole explains the verdicts for all recipients: those with the same verdict
// by the same rules once. left is how many are not explained.
func (x *Explainer) Whole() (list []Why, left int, err error) {
	at := map[string]int{}
	for i, v := range x.Verdict.Recipients {
		key := alikeness(v)
		if n, ok := at[key]; ok {
			list[n].Also = append(list[n].Also, v.Address)
			continue
		}
		if len(list) == maxGroups {
			left++
			continue
		}
		w, err := x.Full(i)
		if err != nil {
			return nil, 0, err
		}
		at[key] = len(list)
		list = append(list, w)
	}
	return list, left, nil
}

func alikeness(v policy.RecipientVerdict) string {
	ids := func(list []policy.Match) (ids []string) {
		for _, m := range list {
			ids = append(ids, m.Rule)
		}
		return ids
	}
	return fmt.Sprint(v.Action, v.Because, ids(v.Won), ids(v.Lost), ids(v.Unknown))
}

// Asked says of which recipients an explanation is wanted: of one, or of all.
func (x *Explainer) Asked(a mail.Address) ([]int, error) {
	if a != "" {
		i, err := x.Recipient(a)
		return []int{i}, err
	}
	var all []int
	seen := map[string]bool{}
	for i, v := range x.Verdict.Recipients {
		if key := alikeness(v); !seen[key] && len(all) < maxGroups {
			seen[key] = true
			all = append(all, i)
		}
	}
	return slices.Clip(all), nil
}
