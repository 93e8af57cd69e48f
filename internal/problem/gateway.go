package problem

// Problems of the gateway rooms: P700 to P799.
const ()

func gatewayRows() []Problem {
	return []Problem{}
}
