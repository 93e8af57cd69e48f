package problem

// Problems of the audit rooms: P800 to P899.
const ()

func auditRows() []Problem {
	return []Problem{}
}
