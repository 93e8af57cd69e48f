package problem

// Problems of the policy rooms: P600 to P699.
const (
	// PolicyRefused is the code of policy files that cannot be loaded.
	PolicyRefused Code = "P600"
	// PolicyTestRed is the code of a policy test that fails.
	PolicyTestRed Code = "P601"
	// RuleUnknown is the code of a rule that could not be evaluated.
	RuleUnknown Code = "P602"
	// GateDefers is the code of a message that is deferred by a closed gate.
	GateDefers Code = "P603"
	// GateHolds is the code of a message that is held by a closed gate.
	GateHolds Code = "P604"
	// HeaderExists is the code of a message held because a header field that
	// a policy sets with "fail" is there already.
	HeaderExists Code = "P605"
)

func policyRows() []Problem {
	return []Problem{
		{PolicyRefused, "Policy files are not valid",
			"None: the version that was in force stays in force",
			"Correct the places that the message names and apply again"},
		{PolicyTestRed, "A policy test fails",
			"None: the new version is not applied",
			"Read what was expected and what happened; correct the policy or the test"},
		{RuleUnknown, "A rule could not be evaluated for a message",
			"An enforced rule that protects counts as engine-failed: the message is deferred or held while that gate is closed",
			"Look at the rule and the reason in the message's record; test the rule with a message of this kind"},
		{GateDefers, "Messages are deferred because looking did not work",
			"The sending server keeps the message and tries again; after 3 deferrals or 30 minutes it is held",
			"See which cause is named and repair the engine, or open the gate for this cause in the tenant's file"},
		{GateHolds, "A message is held because it could not be inspected",
			"The message waits for an administrator",
			"Release or reject it; open the gate for this cause in the tenant's file if such mail shall pass"},
		{HeaderExists, "A header field that a policy must set is there already",
			"The message is held, as the policy says fail",
			"Look at the message: a field of this name that arrives may be forged; use replace if it may be overwritten"},
	}
}
