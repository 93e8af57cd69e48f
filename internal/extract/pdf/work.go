package pdf

// The bounds of one document. They are about work and memory, not about
// time: the same file always ends at the same place.
const (
	// maxObjects is how many objects are kept in mind: names, numbers and
	// strings inside of others count as well.
	maxObjects = 2 << 20
	// maxStream is what one stream may become, maxInflated all of them.
	maxStream   = 32 << 20
	maxInflated = 128 << 20
	// maxRatio is how many times its size a stream may become once it is
	// larger than freeSize: Flate itself ends at about 1,030.
	maxRatio = 2000
	freeSize = 1 << 20
	// maxSteps is the number of steps: operators, letters, octets searched.
	maxSteps = 128 << 20
	// maxGiven is how much text is given out.
	maxGiven = 32 << 20
	// maxPages is how many pages are read.
	maxPages = 50_000
	// maxLevels is how deep trees, forms and outlines may go.
	maxLevels = 40
	// maxKept is what decoded object streams may hold at a time.
	maxKept = 32 << 20
)

// work counts what was spent.
type work struct {
	objects, steps, inflated, given int
	large, deep, damaged            bool
}

// step spends n steps; false when there are no more.
func (w *work) step(n int) bool {
	w.steps += n
	if w.steps > maxSteps {
		w.large = true
		return false
	}
	return true
}

// object counts an object that is kept.
func (w *work) object() bool {
	w.objects++
	if w.objects > maxObjects {
		w.large = true
		return false
	}
	return true
}

// room is how much one more stream of n octets may become.
func (w *work) room(n int) int {
	room := min(maxStream, maxInflated-w.inflated)
	if n < room/maxRatio {
		room = max(min(room, freeSize), n*maxRatio)
	}
	return max(min(room, maxInflated-w.inflated), 0)
}

// report says which bounds were met.
func (w *work) report(out Output) {
	if w.large {
		out.Unread(TooLarge, "the document is larger than what is read of one")
	}
	if w.deep {
		out.Unread(TooDeep, "the document is nested too deep")
	}
	if w.damaged {
		out.Unread(Damaged, "the document is damaged")
	}
}
