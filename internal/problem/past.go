package problem

// Problems of versions, shadows and exceptions: P650 to P699.
const (
	// RolledBack is the code of folders that are not applied because their
	// state was taken back.
	RolledBack Code = "P650"
)

func pastRows() []Problem {
	return []Problem{
		{RolledBack, "An earlier version of tenants and policies is in force",
			"None: the folders under apply: hold what somebody took back, and are left alone",
			"Correct the files in these folders; as soon as one differs from what was taken back, they are applied again"},
	}
}
