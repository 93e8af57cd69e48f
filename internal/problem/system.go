package problem

// Problems of the installation itself: P900 to P999.
const (
	NewKey        Code = "P901"
	RunnerEnded   Code = "P902"
	ApplyFailed   Code = "P903"
	UndefinedList Code = "P904"
	PublicIsOff   Code = "P905"
	FolderWasOpen Code = "P906"
)

func systemRows() []Problem {
	return []Problem{
		{
			NewKey, "A new key file was made",
			"None; every body in custody is encrypted with it", "Keep a copy in a safe place: without it no held message can be read",
		},
		{
			RunnerEnded, "The task runner ended",
			"Nothing in custody moves until the next start", "Look at the error, restart postern",
		},
		{
			ApplyFailed, "Tenant or policy files could not be put in force",
			"The last good state stays in force", "Run postern check and mend every line that it prints",
		},
		{
			UndefinedList, "A policy names a list that nobody defined",
			"The list has no members: recipient.in(…) is never true", "Add a document of kind list with that id, or correct the name",
		},
		{
			PublicIsOff, "The section public is set, but its pages are not part of this version",
			"None; nothing listens there", "None: the section may stay for a later version",
		},
		{
			FolderWasOpen, "Other users could write in the data folder",
			"None; the right was taken from them",
			"Find out who opened the folder, and whether files in it were put there or exchanged; keep it at mode 0700",
		},
	}
}
