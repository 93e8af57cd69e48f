package mail

// Cause says why something could not be looked at. The list is closed: it is
// part of the contract (inspect --json, policy, console).
type Cause string

// The causes. The first three pass by themselves, so a closed gate defers;
// the others last, so a closed gate holds.
const (
	EngineDown   Cause = "engine-down"
	EngineFailed Cause = "engine-failed"
	OutOfTime    Cause = "out-of-time"

	Encrypted    Cause = "encrypted"
	TooLarge     Cause = "too-large"
	TooDeep      Cause = "too-deep"
	TooManyParts Cause = "too-many-parts"
	Malformed    Cause = "malformed"
	Ambiguous    Cause = "ambiguous"
	Unsupported  Cause = "unsupported"
)

// Causes lists every cause in the order of the contract.
func Causes() []Cause {
	return []Cause{
		Encrypted, TooLarge, TooDeep, TooManyParts, OutOfTime, Malformed,
		Ambiguous, Unsupported, EngineDown, EngineFailed,
	}
}

// Passing reports whether the cause goes away by itself.
func (c Cause) Passing() bool {
	return c == EngineDown || c == EngineFailed || c == OutOfTime
}

// Unseen is one thing that was not looked at, or not surely.
type Unseen struct {
	// Part is the path of the part ("1.2"); "" for the whole message.
	Part string `json:"part"`
	// Name is the file name of the part when it has one.
	Name   string `json:"name,omitempty"`
	Reason Cause  `json:"reason"`
	// Detail is a sentence for an administrator; it holds nothing of the
	// content.
	Detail string `json:"detail,omitempty"`
}
