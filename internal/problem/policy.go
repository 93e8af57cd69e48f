package problem

// Problems of the policy rooms: P600 to P699.
const ()

func policyRows() []Problem {
	return []Problem{}
}
