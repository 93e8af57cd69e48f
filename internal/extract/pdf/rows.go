package pdf

import "slices"

// findRows collects lines of the page whose parts did not come out one after
// the other: in a form, the names are often written before all values.
func (l *layout) findRows(list []segment) {
	l.byRow = l.byRow[:0]
	for i := range list {
		l.byRow = append(l.byRow, i)
	}
	byRow := l.byRow // indices, by row and place
	slices.SortStableFunc(byRow, func(a, b int) int {
		if list[a].row != list[b].row {
			return list[a].row - list[b].row
		}
		return sign(list[a].u0 - list[b].u0)
	})
	for len(byRow) > 0 {
		n := 1
		ordered := true
		for n < len(byRow) && list[byRow[n]].row == list[byRow[0]].row {
			ordered = ordered && byRow[n] == byRow[n-1]+1
			n++
		}
		if !ordered {
			var row []byte
			for k, i := range byRow[:n] {
				if k > 0 {
					row = append(row, '\t')
				}
				row = append(row, list[i].text...)
			}
			l.rows = append(l.rows, append(row, '\n'))
		}
		byRow = byRow[n:]
	}
}
