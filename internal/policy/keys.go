package policy

// Document is a kind of document of policy files. Its reader, the schema for
// editors and the reference are made of this table.
type Document struct {
	Kind  string
	Means string
	Keys  []Parameter
}

// Further forms of keys, of whole documents.
const (
	FormCondition Form = "condition"
	FormThen      Form = "action, or map of actions"
	FormFlag      Form = "true or false"
	FormSize      Form = "size such as 20MiB"
	FormActions   Form = "map of address to action"
	FormAction    Form = "action"
	FormList      Form = "list of maps"
)

// Documents lists the kinds of documents that policy files hold.
func Documents() []Document {
	return []Document{
		{"policy", "a condition, and what is done when it holds", policyKeys()},
		{"list", "a named set of addresses: a zone", listKeys()},
		{"defaults", "values that policies need not say themselves", defaultsKeys()},
		{"calendar", "when people work", calendarKeys()},
		{"dictionary", "terms to look for", dictionaryKeys()},
		{"detector", "something else to look for", detectorKeys()},
	}
}

func documentKinds() []string {
	var kinds []string
	for _, d := range Documents() {
		kinds = append(kinds, d.Kind)
	}
	return append(kinds, "tenant") // tenants are read elsewhere
}

// identity are the keys that every document has.
func identity(more ...Parameter) []Parameter {
	return append([]Parameter{
		{Key: "kind", Form: FormText, Need: true, Means: "the kind of document"},
		{Key: "id", Form: FormText, Need: true, Means: "lower-case words with hyphens, at most 64 characters; unique"},
		{Key: "name", Form: FormText, Means: "what people read. Default: the id"},
	}, more...)
}

func described(more ...Parameter) []Parameter {
	return identity(append([]Parameter{
		{Key: "description", Form: FormText, Means: "for the authors; it changes no verdict and no version"},
	}, more...)...)
}

func policyKeys() []Parameter {
	return described(
		Parameter{Key: "tenants", Form: FormTexts, Means: "ids of the tenants that it is for. Default: all"},
		Parameter{Key: "sender", Form: FormWord, Words: subjectWords(), Means: "whom `sender` means. Default: envelope"},
		Parameter{Key: "mode", Form: FormWord, Words: modeWords(), Means: "how far it is in force; needed where no defaults say it"},
		Parameter{Key: "priority", Form: FormNumber,
			Means: "among equal actions the smaller one decides, then the id in alphabetical order. Default: 100"},
		Parameter{Key: "when", Form: FormCondition, Need: true, Means: "when it holds, so does the policy"},
		Parameter{Key: "unless", Form: FormCondition, Means: "when it holds, the policy does not"},
		Parameter{Key: "exceptions", Form: FormList, Keys: exceptionKeys(), Means: "children of the policy, for whom it does not hold"},
		Parameter{Key: "then", Form: FormThen, Need: true, Means: "what is done"},
		Parameter{Key: "tests", Form: FormList, Keys: testKeys(), Means: "messages, and what should come out"},
	)
}

func exceptionKeys() []Parameter {
	return []Parameter{
		{Key: "id", Form: FormText, Need: true, Means: "unique in the policy; verdicts and records call it `policy/exception`"},
		{Key: "name", Form: FormText, Means: "what people read. Default: the policy's name"},
		{Key: "when", Form: FormCondition, Need: true, Means: "asked when the policy holds otherwise"},
		{Key: "then", Form: FormThen, Means: "what is done instead, not stronger than the policy. Default: nothing"},
	}
}

func testKeys() []Parameter {
	return []Parameter{
		{Key: "mail", Form: FormText, Need: true, Means: "the message, relative to the policy file"},
		{Key: "policy", Form: FormText, Means: "in an archive: the policy that is tested"},
		{Key: "expect", Form: FormAction, Means: "what the strictest recipient gets; also `defer`"},
		{Key: "recipients", Form: FormActions, Means: "what each recipient gets"},
		{Key: "rules", Form: FormTexts, Means: "the policies that make that action, the one that decides first"},
		{Key: "headers", Form: FormFields, Means: "fields that are set; an empty value says that it is not"},
		{Key: "notify", Form: FormFlag, Means: "whether the sender gets a note"},
		{Key: "redirect", Form: FormTexts, Means: "who gets the message instead"},
		{Key: "copy", Form: FormTexts, Means: "who gets it besides"},
		{Key: "approvers", Form: FormTexts, Means: "who decides about the hold"},
		{Key: "for", Form: FormSpan, Means: "how long the hold lasts"},
		{Key: "then", Form: FormWord, Words: endWords(), Means: "what happens at its end"},
		{Key: "from", Form: FormText, Means: "in the place of the message's sender"},
		{Key: "to", Form: FormTexts, Means: "in the place of its recipients"},
		{Key: "direction", Form: FormWord, Words: directionWords(), Means: "in the place of its direction"},
		{Key: "tenant", Form: FormText, Means: "the tenant that judges it"},
		{Key: "directory", Form: FormText, Means: "a file that says who is who, in the place of the tenant's"},
		{Key: "known", Form: FormTexts, Means: "with whom the sender has exchanged mail before; with nobody else"},
		{Key: "now", Form: FormText, Means: "when it is judged, such as 2026-11-23T14:30:00Z"},
		{Key: "alone", Form: FormFlag, Means: "judged by that policy only, whatever else is in force"},
	}
}

func directionWords() []string { return []string{string(Outbound), string(Inbound), string(Internal)} }

func modeWords() []string {
	var words []string
	for _, m := range Modes() {
		words = append(words, string(m))
	}
	return words
}

func listKeys() []Parameter {
	return described(
		Parameter{Key: "members", Form: FormTexts, Means: "addresses, domains, `*.domain`, patterns with stars, `group:` of the directory"},
		Parameter{Key: "include", Form: FormTexts, Means: "ids of lists whose members are members here too"},
	)
}

func calendarKeys() []Parameter { return identity(workingParameters()...) }

func confidenceWords() []string { return []string{"high", "medium", "low"} }

func dictionaryKeys() []Parameter {
	return described(
		Parameter{Key: "terms", Form: FormTexts, Means: "what is looked for"},
		Parameter{Key: "file", Form: FormText, Means: "a file with one term a line, or a CSV, relative to the policy file"},
		Parameter{Key: "column", Form: FormText, Means: "the heading of the column of a CSV. Default: the first column, without heading"},
		Parameter{Key: "confidence", Form: FormWord, Words: confidenceWords(), Means: "of every finding. Default: medium"},
		Parameter{Key: "case_sensitive", Form: FormFlag, Means: "distinguishes upper and lower case"},
		Parameter{Key: "inside", Form: FormFlag, Means: "finds a term inside longer words too"},
	)
}

func detectorKeys() []Parameter {
	pattern := Parameter{Key: "pattern", Form: FormText, Means: "a regular expression (RE2) over the value"}
	return described(
		Parameter{Key: "confidence", Form: FormWord, Words: confidenceWords(), Means: "of every finding. Default: high"},
		Parameter{Key: "header", Form: FormMap, Means: "a header field", Keys: []Parameter{
			{Key: "name", Form: FormText, Need: true, Means: "the field's name"}, pattern}},
		Parameter{Key: "property", Form: FormMap, Means: "a property of documents", Keys: []Parameter{
			{Key: "name", Form: FormText, Need: true, Means: "the property's name, with stars"}, pattern}},
		Parameter{Key: "attachment", Form: FormMap, Means: "a file; all that is given must hold", Keys: []Parameter{
			{Key: "name", Form: FormTexts, Means: "patterns with stars over the file name"},
			{Key: "type", Form: FormTexts, Means: "patterns with stars over the media type by content"},
			{Key: "larger", Form: FormSize, Means: "the least size"}}},
		Parameter{Key: "table", Form: FormMap, Means: "rows of a table (postern edm build)", Keys: []Parameter{
			{Key: "file", Form: FormText, Need: true, Means: "the table"},
			{Key: "fields", Form: FormNumber, Means: "how many other cells of the row must stand near. Default: 1"},
			{Key: "window", Form: FormNumber, Means: "within how many octets. Default: 300"}}},
		Parameter{Key: "fingerprint", Form: FormMap, Means: "a document or parts of it (postern fingerprint build)", Keys: []Parameter{
			{Key: "file", Form: FormText, Need: true, Means: "the fingerprint"},
			{Key: "threshold", Form: FormNumber, Means: "how much of it must be there, in percent. Default: 30"}}},
		Parameter{Key: "text", Form: FormMap, Means: "a pattern over texts", Keys: []Parameter{
			{Key: "pattern", Form: FormText, Need: true, Means: "a regular expression (RE2); its first group is the value"},
			{Key: "near", Form: FormTexts, Means: "words of which one must stand near, or the finding is low"},
			{Key: "window", Form: FormNumber, Means: "within how many octets. Default: 300"},
			{Key: "check", Form: FormText, Means: "the type by whose rules a value is checked"}}},
	)
}

// keysOf names the keys of a kind of document, or, as "detector.text", those
// below a key.
func keysOf(kind string) []string {
	for _, d := range Documents() {
		if d.Kind == kind {
			return parameterKeys(d.Keys)
		}
		for _, k := range d.Keys {
			if kind == d.Kind+"."+k.Key {
				return parameterKeys(k.Keys)
			}
		}
	}
	panic("policy: no kind of document " + kind) // a reader without a row
}
