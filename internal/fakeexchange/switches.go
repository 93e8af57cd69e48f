package fakeexchange

import "time"

// Switches are the assumptions about Exchange Online that nobody has proven
// yet. DefaultSwitches is the reading of exchange.md; each comment names the
// section. A test that depends on one sets it by name.
type Switches struct {
	// RulesSeeEarlierChanges: a rule sees header changes that earlier rules
	// of the same pass made (2.4 point 5, 13 point 3). Default true.
	RulesSeeEarlierChanges bool
	// RouteContinues: RouteMessageOutboundConnector only marks the route and
	// later rules still run (2.4 point 4). Default true.
	RouteContinues bool
	// RemoveHeaderAll: RemoveHeader takes out every instance (2.2). Default
	// true; false takes the first.
	RemoveHeaderAll bool
	// RuleErrorKeepsHeaders: a rule that fails at its route has nevertheless
	// set its header (13 point 4). Default false.
	RuleErrorKeepsHeaders bool
	// DisabledConnectorIsRuleError: a route to a disabled connector is an
	// error of the rule, so that RuleErrorAction decides (2.3). Default true;
	// false queues the message until the connector is enabled again.
	DisabledConnectorIsRuleError bool
	// ScopeSurvivesReturn: FromScope InOrganization matches again when mail
	// comes back through an OnPremises connector with retained headers (2.4
	// point 10, 13 point 2). Default true.
	ScopeSurvivesReturn bool
	// AnonymousOwnDomainIsOutside: an anonymous message with a sender of an
	// own domain is NotInOrganization; else it is neither (2.6, 13 point 12).
	// Default false.
	AnonymousOwnDomainIsOutside bool
	// ForkByScope: internal and external recipients are separate forks before
	// any rule runs (2.4 point 8). Default true.
	ForkByScope bool
	// MaxRecipients is how many recipients one outgoing message has before it
	// is chipped (5.1). Default 1000.
	MaxRecipients int
	// OOFKnownOnReturn: MessageTypeMatches OOF knows an automatic reply by
	// its headers when it comes back (8.2). Default true.
	OOFKnownOnReturn bool
	// NullSenderForOOF: automatic replies leave with MAIL FROM:<> (8.2).
	// Default true.
	NullSenderForOOF bool

	// CrossTenantHeaders: X-OriginatorOrg and X-MS-Exchange-CrossTenant-* are
	// on every message that leaves (5.7, 13 point 1). Default true.
	CrossTenantHeaders bool
	// CrossTenantOnSystemMail: reports, journal reports and automatic replies
	// carry them too, though fewer (5.7). Default true.
	CrossTenantOnSystemMail bool
	// CrossTenantOnValidation: the message of Validate-OutboundConnector
	// carries them too (13 point 1). Default true.
	CrossTenantOnValidation bool
	// CrossTenantOnIncoming: mail from the internet that a rule routes out
	// carries them, with the customer's id (13 point 1). Default true.
	CrossTenantOnIncoming bool
	// OriginatorOrgOnIncoming: such mail carries X-OriginatorOrg too (13
	// point 1). Default true.
	OriginatorOrgOnIncoming bool
	// CrossTenantStrippedOnEntry: these headers are taken out of what comes
	// in, and CrossTenantHeadersStripped is set (5.8 point 4). Default true.
	CrossTenantStrippedOnEntry bool

	// CertificateDomain says when a matching OnPremises connector makes mail
	// originating (1.4, 13 point 5): AcceptedEither (default: the domain of
	// the certificate or of MAIL FROM is accepted), AcceptedCertificate (only
	// the certificate's counts) or AcceptedAny.
	CertificateDomain CertificateDomain
	// NullSenderOriginates: a MAIL FROM:<> passes that test (13 point 5).
	// Default true: reports and automatic replies do come back in practice.
	NullSenderOriginates bool
	// AddressOriginatesAlways: an IP match alone makes mail originating, without the
	// test of CertificateDomain. Default false.
	AddressOriginatesAlways bool

	// SenderToldOfApproval: the sender hears of an approval. Default true, as
	// Netskope's document says; Microsoft's page says otherwise (2.7).
	SenderToldOfApproval bool
	// ModerationStopsRules: a moderated message sees no later rules. Default
	// false.
	ModerationStopsRules bool
	// RulesAfterApproval: an approved message runs all rules again, without
	// being moderated again. Default false.
	RulesAfterApproval bool
	// OneApprovalPerRecipient: every moderated recipient is a copy of its own
	// (2.7). Default true.
	OneApprovalPerRecipient bool
	// ApprovalExpires is how long a moderator may be silent (2.7). Default
	// 48 hours.
	ApprovalExpires time.Duration

	// JournalBothPasses: journal rules see a returned message again (2.4
	// point 11). Default true.
	JournalBothPasses bool
	// WrapDiagnostics: NDRs wrap a remote reply as 550 5.0.350 (5.1). Default
	// true.
	WrapDiagnostics bool

	// Retry are the waits between attempts; the last one repeats (5.1).
	// Default 15 min, 15 min, 60 min.
	Retry []time.Duration
	// GiveUp is when an NDR 4.4.7 is written (5.1). Default 24 hours.
	GiveUp time.Duration
	// AlwaysChunk: BDAT is used for every message when offered (5.1). Default
	// true; false uses it only for bare LF.
	AlwaysChunk bool
	// DeclareBinary: bare LF is declared as BODY=BINARYMIME when that is
	// offered. Default true.
	DeclareBinary bool
	// HopLimit is the number of own Received lines at which a message is a
	// loop (2.6: about 20). Default 20.
	HopLimit int
	// RuleDelay is how long changed rules take to apply (0: at once; up to 30
	// minutes in reality). Default 0.
	RuleDelay time.Duration
}

// CertificateDomain is a reading of the rule that attributes mail.
type CertificateDomain string

// The readings of Switches.CertificateDomain.
const (
	AcceptedEither      CertificateDomain = "either"
	AcceptedCertificate CertificateDomain = "certificate"
	AcceptedAny         CertificateDomain = "any"
)

// DefaultSwitches is the reading of exchange.md.
func DefaultSwitches() Switches {
	return Switches{
		RulesSeeEarlierChanges:       true,
		RouteContinues:               true,
		RemoveHeaderAll:              true,
		DisabledConnectorIsRuleError: true,
		ScopeSurvivesReturn:          true,
		ForkByScope:                  true,
		MaxRecipients:                1000,
		OOFKnownOnReturn:             true,
		NullSenderForOOF:             true,
		CrossTenantHeaders:           true,
		CrossTenantOnSystemMail:      true,
		CrossTenantOnValidation:      true,
		CrossTenantOnIncoming:        true,
		OriginatorOrgOnIncoming:      true,
		CrossTenantStrippedOnEntry:   true,
		CertificateDomain:            AcceptedEither,
		NullSenderOriginates:         true,
		SenderToldOfApproval:         true,
		OneApprovalPerRecipient:      true,
		ApprovalExpires:              48 * time.Hour,
		JournalBothPasses:            true,
		WrapDiagnostics:              true,
		Retry:                        []time.Duration{15 * time.Minute, 15 * time.Minute, time.Hour},
		GiveUp:                       24 * time.Hour,
		AlwaysChunk:                  true,
		DeclareBinary:                true,
		HopLimit:                     20,
	}
}
