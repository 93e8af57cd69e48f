package mailflow

// Types of a connector.
const (
	OnPremises = "OnPremises"
	Partner    = "Partner"
)

// Levels of TlsSettings; empty means opportunistic.
const (
	EncryptionOnly        = "EncryptionOnly"
	CertificateValidation = "CertificateValidation"
	DomainValidation      = "DomainValidation"
)

// OutboundConnector is a way out of the tenant, as Get-OutboundConnector
// shows it.
type OutboundConnector struct {
	Name          string `json:"Name"`
	ConnectorType string `json:"ConnectorType"`
	Enabled       bool   `json:"Enabled"`
	Comment       string `json:"Comment,omitempty"`
	// IsTransportRuleScoped connectors are used only by rules.
	IsTransportRuleScoped bool    `json:"IsTransportRuleScoped,omitempty"`
	RecipientDomains      Strings `json:"RecipientDomains,omitempty"`
	UseMXRecord           bool    `json:"UseMXRecord"`
	SmartHosts            Strings `json:"SmartHosts,omitempty"`
	TLSSettings           string  `json:"TlsSettings,omitempty"`
	TLSDomain             string  `json:"TlsDomain,omitempty"`
	// CloudServicesMailEnabled retains internal Exchange headers.
	CloudServicesMailEnabled      bool     `json:"CloudServicesMailEnabled,omitempty"`
	AllAcceptedDomains            bool     `json:"AllAcceptedDomains,omitempty"`
	RouteAllMessagesViaOnPremises bool     `json:"RouteAllMessagesViaOnPremises,omitempty"`
	SenderRewritingEnabled        bool     `json:"SenderRewritingEnabled,omitempty"`
	TestMode                      bool     `json:"TestMode,omitempty"`
	Unknown                       []string `json:"-"`
}

// UnmarshalJSON reads an object of Get-OutboundConnector with the defaults of
// New-OutboundConnector.
func (c *OutboundConnector) UnmarshalJSON(data []byte) error {
	*c = OutboundConnector{Enabled: true, UseMXRecord: true}
	return read(data, c, &c.Unknown, connectorNotes)
}

// InboundConnector is a way into the tenant, as Get-InboundConnector shows it.
type InboundConnector struct {
	Name                         string  `json:"Name"`
	ConnectorType                string  `json:"ConnectorType"`
	Enabled                      bool    `json:"Enabled"`
	Comment                      string  `json:"Comment,omitempty"`
	SenderDomains                Strings `json:"SenderDomains"`
	RequireTLS                   bool    `json:"RequireTls"`
	TLSSenderCertificateName     string  `json:"TlsSenderCertificateName,omitempty"`
	RestrictDomainsToCertificate bool    `json:"RestrictDomainsToCertificate,omitempty"`
	SenderIPAddresses            Strings `json:"SenderIPAddresses,omitempty"`
	RestrictDomainsToIPAddresses bool    `json:"RestrictDomainsToIPAddresses,omitempty"`
	AssociatedAcceptedDomains    Strings `json:"AssociatedAcceptedDomains,omitempty"`
	// CloudServicesMailEnabled promotes retained Exchange headers.
	CloudServicesMailEnabled bool     `json:"CloudServicesMailEnabled,omitempty"`
	TreatMessagesAsInternal  bool     `json:"TreatMessagesAsInternal,omitempty"`
	EFSkipLastIP             bool     `json:"EFSkipLastIP,omitempty"`
	EFSkipIPs                Strings  `json:"EFSkipIPs,omitempty"`
	Unknown                  []string `json:"-"`
}

// UnmarshalJSON reads an object of Get-InboundConnector with the defaults of
// New-InboundConnector.
func (c *InboundConnector) UnmarshalJSON(data []byte) error {
	*c = InboundConnector{Enabled: true, RequireTLS: true}
	return read(data, c, &c.Unknown, connectorNotes)
}

// connectorNotes are properties that describe a connector and change nothing
// about the way of a message.
var connectorNotes = []string{
	"Identity", "Guid", "Id", "DistinguishedName", "OrganizationId", "WhenChanged", "WhenCreated", "WhenChangedUTC",
	"WhenCreatedUTC", "ConnectorSource", "IsValidated", "LastValidationTimestamp", "ValidationRecipients",
	"SmtpDaneMode", "MtaStsMode", "ExchangeVersion", "IsValid", "ObjectState", "ObjectCategory", "ObjectClass",
	"OriginatingServer", "AdminDisplayName", "LinkForModifiedConnector", "EFUsers", "EFTestMode", "RunspaceId",
}
