package problem

// Problems of the deliver rooms: P300 to P399.
const (
	NoExchangeMX         Code = "P301"
	NoNextHop            Code = "P302"
	RelayDenied          Code = "P303"
	InboundRestricted    Code = "P304"
	DirectSendRejected   Code = "P305"
	SendingBanned        Code = "P306"
	ConnectorBlocked     Code = "P307"
	AddressBanned        Code = "P308"
	LoopAtExchange       Code = "P309"
	ConnectorNotMatching Code = "P310"
	SuspiciousAddress    Code = "P311"
	TLSNotOffered        Code = "P312"
	TLSNotVerified       Code = "P313"
	CertificateRefused   Code = "P314"
	PlainNotLoopback     Code = "P315"
	AuthRefused          Code = "P316"
	AuthUnavailable      Code = "P317"
	HostRefuses          Code = "P318"
	AuthWanted           Code = "P319"
	BareNewlineRefused   Code = "P320"
	ForeignMXUnproven    Code = "P321"
	AddressNotElsewhere  Code = "P322"
)

func deliverRows() []Problem {
	return append(routeRows(), append(exchangeRows(), hostRows()...)...)
}

const keptMail = "The mail is kept and tried again every hour; nothing is bounced"

func routeRows() []Problem {
	return []Problem{
		{NoExchangeMX, "No Exchange Online host among the MX records of the domain", keptMail,
			"Add the tenant's mail.protection.outlook.com host as an MX record, set the tenant's initial domain " +
				"or a return host, or allow foreign MX hosts if the mail may pass through another system first"},
		{NoNextHop, "There is no domain to return a message to", keptMail,
			"Mail without a sender (reports, out-of-office) goes to the tenant's initial domain: " +
				"set it (contoso.onmicrosoft.com) or set a return host"},
		{ForeignMXUnproven, "Only DNS says that a foreign host takes the mail of the domain", keptMail,
			"A forged answer could name any host. Name it yourself in return.host, or set return.server_name to the name " +
				"that its certificate must carry; a host inside the domain, and an answer validated by DNSSEC, need neither"},
		{AddressNotElsewhere, "The name of the next hop leads to this machine or into a private network", keptMail,
			"Ask another DNS server: an answer was forged, or is one for clients inside. If the next hop really " +
				"has this address, name it in return.host"},
	}
}

func exchangeRows() []Problem {
	return []Problem{
		{RelayDenied, "Exchange Online does not accept us as a relay (5.7.64 TenantAttribution)", keptMail,
			"No inbound connector of type OnPremises matched. Check that it is enabled, that its " +
				"TlsSenderCertificateName " +
				"or SenderIPAddresses is what we present, that the certificate is not expired, " +
				"and that the certificate's domain is an accepted domain of the tenant"},
		{InboundRestricted, "Exchange Online rejects our address or certificate (5.7.51 " +
			"TenantInboundAttribution)", keptMail,
			"An inbound connector of type Partner restricts the sender domain to other addresses or certificates. " +
				"Add ours to it, or exclude our mail from that connector"},
		{DirectSendRejected, "Exchange Online rejects direct sending (5.7.68, RejectDirectSend)", keptMail,
			"The tenant rejects anonymous mail from its own domains and no connector matched. " +
				"Make the inbound connector match by our certificate or IP address (not by sender domain alone)"},
		{SendingBanned, "Exchange Online has banned the tenant or our address from sending " +
			"(5.7.700 to 5.7.750)", keptMail,
			"Look for a compromised account or a mail storm in the tenant, then lift the ban in " +
				"the Microsoft Defender portal " +
				"(Restricted entities) or with Microsoft support"},
		{ConnectorBlocked, "Exchange Online has blocked the inbound connector as compromised (5.7.711)", keptMail,
			"Run Get-BlockedConnector, find the cause, then Remove-BlockedConnector"},
		{AddressBanned, "Our IP address is on Microsoft's block list (5.7.606 to 5.7.649)", keptMail,
			"Ask for delisting at sender.office.com, and find out why the address was listed"},
		{LoopAtExchange, "Exchange Online stopped a mail loop (5.4.14 Hop count exceeded)", keptMail,
			"The rule that sends mail to Postern does not except what Postern returns. Check its " +
				"exception on our header, " +
				"and that no other rule or connector sends the mail round again; then run queue retry"},
		{ConnectorNotMatching, "Exchange Online slows us down as an unknown source (4.7.500 to 4.7.699)",
			"Mail is returned late", "An inbound connector that matches removes this limit: check " +
				"its certificate name or IP addresses"},
		{SuspiciousAddress, "Exchange Online calls our IP address suspicious (4.7.850 to 4.7.899)",
			"Mail is returned late", "Check that the inbound connector matches, and the reputation of the IP address"},
		{BareNewlineRefused, "The next hop refuses bare line feeds (5.6.11)", "The message is returned to its sender",
			"Use a next hop that offers CHUNKING, or allow the conversion of line ends"},
	}
}

func hostRows() []Problem {
	return []Problem{
		{TLSNotOffered, "The next hop does not offer STARTTLS", keptMail,
			"Check that no firewall between us and the host filters STARTTLS; set tls: " +
				"opportunistic only if clear text is acceptable"},
		{TLSNotVerified, "The certificate of the next hop is not valid for its name", keptMail,
			"Check the host name, the certificate's names and dates, and that its root is trusted here. " +
				"A smart host with another name in its certificate needs server_name"},
		{CertificateRefused, "The next hop refuses our client certificate", keptMail,
			"Check that the certificate is not expired and was issued by an authority that the next hop trusts"},
		{PlainNotLoopback, "tls: off is set for a host that is not on this machine", keptMail,
			"Set tls: require or opportunistic; off is for loopback addresses only"},
		{AuthRefused, "The next hop refuses our user name or password", keptMail,
			"Correct user and password of the smart host, then run queue retry"},
		{AuthUnavailable, "The next hop offers no way to log in that we may use", keptMail,
			"AUTH PLAIN or LOGIN over verified TLS is needed; check the port (587) and the TLS setting"},
		{HostRefuses, "The next hop refuses connections from us", keptMail,
			"Its greeting names the reason; check that the host is right and that it lists our address as allowed"},
		{AuthWanted, "The next hop wants a log-in or TLS before it takes mail", keptMail,
			"Set user and password or the client certificate for this next hop, or use the right host"},
	}
}
