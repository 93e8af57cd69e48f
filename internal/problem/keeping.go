package problem

// Problems of the keeping rooms: P400 to P499.
const ()

func keepingRows() []Problem {
	return []Problem{}
}
