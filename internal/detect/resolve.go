package detect

import "sort"

// resolve keeps, of hits that overlap, the surest: highest confidence, then
// score, then the longer, then the one that starts first. A looser reading of
// the same digits is not reported; equally sure readings of the same text as
// different things are all reported.
func resolve(hits []Found) []Found {
	if len(hits) < 2 {
		return hits
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].Start < hits[j].Start })
	var kept, group []Found
	end := -1
	for _, h := range hits {
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
	sort.SliceStable(kept, func(i, j int) bool { return kept[i].Start < kept[j].Start })
	return kept
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
	sort.SliceStable(order, func(i, j int) bool { return surer(order[i].Hit, order[j].Hit) })
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

func surer(a, b Hit) bool {
	switch {
	case a.Confidence != b.Confidence:
		return a.Confidence > b.Confidence
	case a.Score != b.Score:
		return a.Score > b.Score
	case a.End-a.Start != b.End-b.Start:
		return a.End-a.Start > b.End-b.Start
	}
	return a.Start < b.Start
}
