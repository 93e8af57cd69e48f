package problem

// Problems of the looking rooms: P500 to P599.
const ()

func lookingRows() []Problem {
	return []Problem{}
}
