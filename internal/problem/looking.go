package problem

// Problems of the looking rooms: P500 to P599.
const (
	// NoLookingChild means that the process that reads mail does not start.
	NoLookingChild Code = "P501"
	// LookingChildDied means that it ended in the middle of a message.
	LookingChildDied Code = "P502"
	// DetectorFailed means that one detector or extractor failed by itself.
	DetectorFailed Code = "P503"
)

func lookingRows() []Problem {
	return []Problem{
		{NoLookingChild, "The process that looks into mail cannot be started",
			"Nothing is looked at: every message follows the tenant's setting on: engine-down",
			"See the log line for the system's reason; check limits on processes and memory, and that the binary is still in its place"},
		{LookingChildDied, "The process that looks into mail died over a message",
			"The message was looked at again without the step that killed it; that step follows on: engine-failed or on: out-of-time",
			"Inspect the message that the log line names with postern inspect; report the step with the version if it happens again"},
		{DetectorFailed, "A detector or an extractor failed",
			"What it would have found in that part is unknown; the part follows on: engine-failed",
			"Inspect the message that the log line names with postern inspect; report the detector with the version"},
	}
}
