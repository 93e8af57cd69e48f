package detect

import (
	"cmp"
	"slices"
)

// resolve keeps, of hits that overlap, the surest: highest confidence, then
// score, then the longer, then the one that starts first. A looser reading of
// the same digits is not reported; equally sure readings of the same text as
// different things are all reported.
func resolve(hits []Found) []Found {
	if len(hits) < 2 {
		return hits
	}
	kept := make([]Found, 0, len(hits))
	var group []Found
	end := -1
	for _, at := range inOrder(hits) {
		h := hits[at]
		if h.Aside {
			kept = append(kept, h)
			continue
		}
		if h.Start >= end || len(group) == maxGroup {
			kept = append(kept, winners(group)...)
			group = group[:0]
		}
		group = append(group, h)
		end = max(end, h.End)
	}
	kept = append(kept, winners(group)...)
	if byStart := func(a, b Found) int { return cmp.Compare(a.Start, b.Start) }; !slices.IsSortedFunc(kept, byStart) {
		slices.SortStableFunc(kept, byStart)
	}
	return kept
}

// inOrder are the places of hits in the order of the text, and of hits that
// start alike in theirs: the hits themselves are large, and there may be a
// hundred thousand.
func inOrder(hits []Found) []int32 {
	order := make([]int32, len(hits))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(hits[a].Start, hits[b].Start), cmp.Compare(a, b))
	})
	return order
}

// maxGroup bounds the work for a chain of hits of which each overlaps the
// next; real ones have two or three links.
const maxGroup = 64

// winners resolves hits that overlap, directly or through others.
func winners(group []Found) []Found {
	if len(group) < 2 {
		return group
	}
	order := append([]Found(nil), group...)
	slices.SortStableFunc(order, func(a, b Found) int { return surer(a.Hit, b.Hit) })
	var kept []Found
	for _, h := range order {
		if free(h, kept) {
			kept = append(kept, h)
		}
	}
	return kept
}

func free(h Found, kept []Found) bool {
	for _, k := range kept {
		if h.Start == k.Start && h.End == k.End && h.Confidence == k.Confidence && h.Type != k.Type {
			continue
		}
		if h.Start < k.End && k.Start < h.End {
			return false
		}
	}
	return true
}

// surer puts the hit first that wins.
func surer(a, b Hit) int {
	return cmp.Or(
		cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(b.Score, a.Score),
		cmp.Compare(b.End-b.Start, a.End-a.Start), cmp.Compare(a.Start, b.Start),
	)
}
