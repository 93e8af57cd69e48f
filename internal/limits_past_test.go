package house_test

// pastLimits bound what is kept of a message for drafts of the future.
func pastLimits() []limit {
	return []limit{
		{"Octets of a common header field that no rule asks for", "gateway.keepValue", "only its name is kept; a draft that asks for its value cannot know", "TestHeaderFieldsAreKeptForDrafts"},
		{"Names of other header fields", "gateway.keepNames", "none is kept; a draft that asks for one cannot know", "TestHeaderFieldsAreKeptForDrafts"},
		{"Values of a finding that a person can choose from", "detect.maxShown", "the others are not listed", "TestNoMoreValuesAreShownThanAPersonReads"},
		{"Exceptions of a tenant", "exception.maxPerTenant", "no further one is taken", "TestATenantHasOnlySoManyExceptions"},
		{"Days that an exception holds", "exception.maxLife", "refused", "TestWhatCannotBeAnExceptionIsRefused"},
	}
}
