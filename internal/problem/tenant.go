package problem

// Problems of the tenant rooms: P100 to P199.
const ()

func tenantRows() []Problem {
	return []Problem{}
}
