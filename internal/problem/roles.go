package problem

// Problems of roles: P760 to P769.
const (
	RightMissing Code = "P760"
)

func roleRows() []Problem {
	return []Problem{
		{
			RightMissing, "Somebody wanted to do with held mail what none of his roles allows",
			"None: nothing was done; the attempt stands in the tenant's audit chain",
			"When he should be able to: give him a role in roles of postern.yaml",
		},
	}
}
