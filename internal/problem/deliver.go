package problem

// Problems of the deliver rooms: P300 to P399.
const ()

func deliverRows() []Problem {
	return []Problem{}
}
