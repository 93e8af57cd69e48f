package problem

// Problems of the installation itself: P900 to P999.
const (
	NewKey        Code = "P901"
	RunnerEnded   Code = "P902"
	ApplyFailed   Code = "P903"
	UndefinedList Code = "P904"
	FolderWasOpen Code = "P906"
	CodeNotSent   Code = "P907"
	PageFailed    Code = "P908"
	SignInFails   Code = "P909"
	ClockAhead    Code = "P910"
	ClockBack     Code = "P911"
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
			FolderWasOpen, "Other users could write in the data folder",
			"None; the right was taken from them",
			"Find out who opened the folder, and whether files in it were put there or exchanged; keep it at mode 0700",
		},
		{
			CodeNotSent, "A code for the pages could not be sent",
			"Whoever asked for it cannot decide on a page now; by answering the request's mail he still can",
			"Look at the error, and whether other mails of our own arrive (postern queue list)",
		},
		{
			PageFailed, "A page for people could not be made",
			"None; nothing was decided, and who asked was told to try again", "Look at the error; a store that is locked or full is one",
		},
		{
			SignInFails, "A sign-in at a tenant's provider failed",
			"Whoever wanted to sign in cannot; a code by mail still identifies him",
			"Look at the error: is the provider reachable, are client and secret of sign_in right and not over, is " +
				"https://NAME/approve/signed-in among its redirect addresses?",
		},
		{
			ClockAhead, "The clock is more than 12 hours ahead of what it said last",
			"For 24 hours no hold ends by its deadline, no retry is given up and nothing is erased by retention; all else goes on",
			"Look at the clock (timedatectl). If it is right, the gateway was down for so long: nothing to do, or decide what is held " +
				"with postern held. If it is wrong, stop postern, set the clock, start postern",
		},
		{
			ClockBack, "The clock is more than 10 minutes behind what it said last",
			"Tasks are planned again, so that none waits longer than the schedule says; holds that began in the future are " +
				"counted anew, others end later by the difference",
			"Look at the clock (timedatectl) and, with several nodes, at that of the others",
		},
	}
}
