package problem

// Problems of the keeping rooms: P400 to P499. The store has P400 to P419
// (store.go), spool and task have the others.
const (
	BodyMissing     Code = "P420"
	BodyDamaged     Code = "P421"
	BodyKeyMissing  Code = "P422"
	BodyNotUnlinked Code = "P423"
	BodyUnowned     Code = "P424"
	IntentOpen      Code = "P425"
	HoldChanged     Code = "P426"

	TaskPanicked   Code = "P440"
	TaskHung       Code = "P441"
	TaskUnreadable Code = "P442"
	TaskUnsettled  Code = "P443"
	TaskLeaseLost  Code = "P444"
	TaskTwice      Code = "P445"
	Unbalanced     Code = "P446"

	EvidenceMissing Code = "P450"
	EvidenceDamaged Code = "P451"
	EvidenceKey     Code = "P452"
)

func keepingRows() []Problem {
	return append(storeRows(), []Problem{
		{BodyMissing, "A message in custody has no body file",
			"The message cannot be sent; its row is kept and its tasks wait",
			"Restore the file from a backup of data/bodies; if there is none, tell the sender and close it with `queue`"},
		{BodyDamaged, "A body file was cut off or changed",
			"The message is not sent, so that nobody gets wrong octets; its tasks wait",
			"Check the disk, restore the file from a backup, then run `queue retry`"},
		{BodyKeyMissing, "No configured key opens a body file",
			"The message cannot be sent until the key is back; its tasks wait",
			"Add the old key to the key file again, below the current one, then run `queue retry`"},
		{BodyNotUnlinked, "A finished body file could not be deleted",
			"None; the file takes space and is tried again at the next start",
			"Check the permissions of data/bodies and the state of the disk"},
		{BodyUnowned, "Body files without a message were removed at start",
			"None: these arrivals were never answered with 250, and the other side still has them",
			"Nothing, if the gateway was stopped hard; else look for another program that writes into data/bodies"},
		{IntentOpen, "A message was under way to the next hop when the gateway stopped",
			"It was delivered, or Exchange sends it again; a recipient may get it twice",
			"Nothing; `audit search id:…` shows the message"},
		{HoldChanged, "The row of somebody who waits was changed in the database",
			"No deadline decides about this recipient any more; a person can, if the recipient is one of the message's",
			"Check the disk; decide with `held release` or `held reject`, or restore the database from a backup"},
		{TaskPanicked, "A task made a door of the gateway crash",
			"This task is tried again later; others go on",
			"Report the log line; `queue hold` takes the task out of the way"},
		{TaskHung, "A task did not end within its time limit",
			"This task is tried again later; its next hop gets fewer places meanwhile",
			"Look whether the next hop answers; report it if it does"},
		{TaskUnreadable, "A task in the database cannot be read, or was changed there",
			"The task waits, so that nothing goes to somebody else; its message is kept",
			"Check the disk, and whether an older version runs on a newer database; restore the database from a backup"},
		{TaskUnsettled, "The result of an attempt cannot be written",
			"The message is not tried again meanwhile, so that nobody gets it twice",
			"Look for the store's own problem: full disk, locked database"},
		{TaskLeaseLost, "The result of an attempt came after another worker had taken the task",
			"The late result is not used; a recipient may get the message twice",
			"Raise the time limit of a task, or look why the machine was stopped for so long"},
		{TaskTwice, "A second outcome was found for a recipient",
			"The first one counts; a recipient may have got the message twice",
			"Report the log line"},
		{Unbalanced, "A recipient of an accepted message has no outcome, no task and no hold, or more than one",
			"A message may be lost or sent twice",
			"Report it with the lines of the check; do not delete anything in data"},
		{EvidenceMissing, "A copy that is kept as evidence has no file",
			"None for mail; the copy cannot be read",
			"Restore the file from a backup of data/evidence"},
		{EvidenceDamaged, "The file or the row of a copy that is kept as evidence was changed",
			"None for mail; the copy is not given out, so that nobody relies on wrong octets",
			"Check the disk; restore the file or the database from a backup"},
		{EvidenceKey, "A copy that is kept as evidence could not be wrapped under the new key",
			"None for mail; the copy can still be read with the former key",
			"Bring the former private key of the role evidence back to its source, and run keys rewrap again"},
	}...)
}
