package problem

// Problems of the receive rooms: P200 to P299.
const ()

func receiveRows() []Problem {
	return []Problem{}
}
