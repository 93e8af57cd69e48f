package problem

// Problems of the system rooms: P900 to P999.
const ()

func systemRows() []Problem {
	return []Problem{}
}
