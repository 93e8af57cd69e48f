package problem

// Problems of the tenant room: P100 to P199.
const (
	NotYours        Code = "P101"
	UnknownTenant   Code = "P102"
	TenantDisabled  Code = "P103"
	WrongSecret     Code = "P104"
	WrongEntra      Code = "P105"
	WrongSender     Code = "P106"
	WrongPeer       Code = "P107"
	WrongRecipient  Code = "P108"
	DoubledFact     Code = "P109"
	MissingFact     Code = "P110"
	ValidationSpent Code = "P111"
	StaleNetworks   Code = "P112"
	DirectoryBroken Code = "P120"
	DirectoryStale  Code = "P121"
)

func tenantRows() []Problem {
	return []Problem{
		{
			NotYours, "A client that belongs to no tenant tried to send",
			"Its mail is refused", "Nothing, unless it is a server of yours: add it under peers.other",
		},
		{
			UnknownTenant, "A message names a tenant that this installation does not have",
			"It is deferred, so that it waits in Exchange",
			"Compare the value of the tenant header in the route rule with the tenant's id",
		},
		{
			TenantDisabled, "A message came for a tenant that is switched off",
			"It is deferred, so that it waits in Exchange for up to 24 hours",
			"Remove disabled: true, or disable the route rule in Exchange",
		},
		{
			WrongSecret, "A tenant header carries a wrong secret",
			"The message is refused",
			"If the rule was just changed, Exchange needs up to 30 minutes; otherwise somebody forges the header",
		},
		{
			WrongEntra, "Exchange's cross-tenant header names another tenant",
			"The message is refused",
			"Compare entra_tenant with the tenant's id in Entra; otherwise another Microsoft 365 tenant tried " +
				"to act as this one",
		},
		{
			WrongSender, "An outgoing message has a sender outside the tenant's domains",
			"The message is refused", "Add the domain to domains when it is an accepted domain of the tenant",
		},
		{
			WrongPeer, "Address, certificate or server name do not fit the tenant",
			"The message is refused", "See the text of the refusal: it names the fact and its value",
		},
		{
			WrongRecipient, "A recipient does not fit the direction or kind of the message",
			"The message is refused", "Check the conditions of the incoming rule, and domains",
		},
		{
			DoubledFact, "A header that identifies the tenant stands twice with different values",
			"The message is refused", "Nobody honest sends this; look at the sender",
		},
		{
			MissingFact, "A header that identifies the tenant is missing",
			"The message is deferred, so that it waits in Exchange",
			"The text of the deferral names the header. Check that the rule sets the tenant header, and see " +
				"switches.cross_tenant_on_null and cross_tenant_on_incoming for what Exchange itself leaves out",
		},
		{
			ValidationSpent, "More than five connector validation messages went to the external address",
			"Further ones are refused", "Set validate.done: true, or use the probe address",
		},
		{
			StaleNetworks, "Microsoft's list of addresses could not be refreshed",
			"The last good list stays in force",
			"Check that endpoints.office.com can be reached, or ignore this on an installation without internet",
		},
		{
			DirectoryBroken, "A tenant's directory cannot be read",
			"The last good directory stays in force; where there never was one, rules that ask for groups cannot be evaluated",
			"Mend the line that is named, or have the file written again; it is read some seconds later. " +
				"postern directory show says what is in force",
		},
		{
			DirectoryStale, "A tenant's directory is too old",
			"Memberships and managers are those of its time; with switches.stale_directory: unknown, rules that ask " +
				"for them cannot be evaluated, and count as engine-failed",
			"See why its source writes no new one; directory_stale says which age is too old",
		},
	}
}
