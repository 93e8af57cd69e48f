package tenant

import (
	"time"

	"postern.dev/postern/internal/mail"
)

// Config is a document of kind tenant.
type Config struct {
	// Kind is always "tenant".
	Kind string `yaml:"kind"`
	// ID names the tenant in headers, logs and commands: lower-case letters,
	// digits and hyphens, at most 40.
	ID string `yaml:"id"`
	// EntraTenant is the tenant's id in Microsoft Entra (a GUID). When it is
	// set, Exchange's cross-tenant header must carry it. It is required where
	// nothing else proves the tenant: with a preset without a tenant header,
	// with a tenant header of less than 16 characters, with journal or own
	// addresses.
	EntraTenant string `yaml:"entra_tenant"`
	// Domains are the accepted domains; the (first) one under onmicrosoft.com
	// is the initial domain. "*.contoso.example" means all subdomains, where
	// Exchange's accepted domain matches them too.
	Domains []string `yaml:"domains"`
	// Secret is what the tenant header carries: current and, while
	// rotating, next. Never equal to a mark. At least 16 characters; the
	// presets of other products allow less, because their value may be a mere
	// name, together with entra_tenant.
	Secret []string `yaml:"secret"`
	// Mark is what Exchange's rule exception matches on return: current and,
	// while rotating, next.
	Mark []string `yaml:"mark"`
	// Headers is the preset of header names: postern, safetica, netskope,
	// opswat, avanan or secumailer; or single names: {preset, tenant, checked,
	// ooo, action, inspected, spam}.
	// Default: postern.
	Headers HeaderNames `yaml:"headers"`
	// Hosts maps SNI names of our listener to the direction each allows. No
	// other tenant can use them.
	Hosts map[string]mail.Direction `yaml:"hosts"`
	// Peers says who may bring the tenant's mail.
	Peers Peers `yaml:"peers"`
	// Return says how mail goes back.
	Return Return `yaml:"return"`
	// Refuse is how a block is told: "report" (our own, the default) or
	// "session" (a 550, so that Exchange writes the report).
	Refuse Refuse `yaml:"refuse"`
	// On opens or closes the gate for each cause of not having seen
	// everything, and for "store-full".
	On map[string]string `yaml:"on"`
	// Copies are the addresses to which the tenant's Exchange sends copies.
	Copies Copies `yaml:"copies"`
	// Validate are the recipients of Exchange's connector validation.
	Validate Validate `yaml:"validate"`
	// Own are addresses of Postern itself for this tenant (replies to
	// approvals, check@).
	Own []string `yaml:"own"`
	// Switches are decisions about what Exchange does that nobody has proved
	// yet or that a tenant takes on itself.
	Switches Switches `yaml:"switches"`
	// TrustedTags are header fields by which the tenant's own endpoint software
	// says that it has judged a message already: outgoing mail with one of
	// them is looked at and recorded, but nothing is done to it. Anybody who
	// can write mail can set a header, so trust only tags that Exchange takes
	// off forged mail.
	// Default: none.
	TrustedTags []TrustedTag `yaml:"trusted_tags"`
	// Contact is named in reports: whom a sender may ask.
	Contact string `yaml:"contact"`
	// Name is the organization's name in reports. Default: the id.
	Name string `yaml:"name"`
	// Disabled turns the tenant off: its mail is deferred, so that it waits
	// in Exchange.
	Disabled bool `yaml:"disabled"`
	// Keep is how long the record of a message is searchable.
	// Default: retention.metadata of postern.yaml, 2160h (90 days).
	Keep time.Duration `yaml:"keep"`
	// Retention says how long other things are kept than postern.yaml does.
	Retention Retention `yaml:"retention"`
	// Looking is what the tenant tells the look into its mail.
	Looking Looking `yaml:"looking"`
	// Directory is the file that says who is who in the tenant
	// (docs/reference/directory.md): file:./contoso.directory. A changed file
	// is in force some seconds later. Default: none.
	Directory string `yaml:"directory"`
	// DirectoryStale is the age above which the directory is too old; what
	// then is said by switches.stale_directory. Default: 72h.
	DirectoryStale time.Duration `yaml:"directory_stale"`
	// Contacts says whether, and how long, it is remembered who has written
	// to whom.
	Contacts Contacts `yaml:"contacts"`
	// Results are the names (authserv-id) of the tenant's own servers among
	// peers.other whose Authentication-Results count. What Exchange Online
	// stamped on mail from outside always counts, and nobody else's does.
	// Default: none.
	Results []string `yaml:"results"`
	// Seal signs a message that was changed here with an ARC set, so that its
	// results count at the next server, where this sealer is trusted
	// (Set-ArcConfig). Default: none; changed messages are not sealed.
	Seal Seal `yaml:"seal"`
	// Notices says how Postern writes to the tenant's people.
	Notices Notices `yaml:"notices"`
	// Console is the host name in the links of those mails, and the domain of
	// Postern's own addresses: check@ for drafts, approve+…@ for answers of
	// approvers. Exchange must route mail to it here.
	// Default: public.name of postern.yaml.
	Console string `yaml:"console"`
	// SignIn lets the tenant's people sign in on the pages for held mail, in
	// the place of a code by mail.
	// Default: none; a code by mail identifies them.
	SignIn SignIn `yaml:"sign_in"`
}

// SignIn is a provider of sign-ins (OpenID Connect), and what we are there.
type SignIn struct {
	// Issuer is "entra" for the tenant's own Microsoft Entra (entra_tenant
	// must be there), or the https address of another provider.
	Issuer string `yaml:"issuer"`
	// Client is our id there. Its redirect address is
	// https://CONSOLE/approve/signed-in.
	Client string `yaml:"client"`
	// Secret is our secret there; better file:PATH or env:NAME.
	Secret string `yaml:"secret"`
}

// Notices says how Postern writes to the tenant's people.
type Notices struct {
	// Languages are those of the mails, the best first: de, en, fr, nl, or one
	// of your own texts. What a language lacks is English.
	// Default: en.
	Languages []string `yaml:"languages"`
	// TimeZone is where times are meant, e.g. Europe/Berlin. Default: UTC.
	TimeZone string `yaml:"time_zone"`
	// Sign signs these mails (DKIM) in the name of one of the tenant's domains,
	// which is then that of their From. RSA or Ed25519.
	// Default: none; Exchange signs what it sends on.
	Sign Seal `yaml:"sign"`
	// Administrators are told of what went wrong: mail that was let through
	// without full inspection, and loops that were stopped.
	// Default: nobody; it is in the log.
	Administrators []string `yaml:"administrators"`
	// Digest is the mail to people about what was kept back for them, once a
	// day.
	Digest Digest `yaml:"digest"`
	// Texts are used in place of those that come with Postern
	// (docs/reference/notices.md).
	Texts []NoticeText `yaml:"texts"`
}

// Digest says when people are told what was kept back for them. Only those are
// told whom a policy gives a right about it (hold.recipient), and nobody when
// there is nothing.
type Digest struct {
	// At is the time of day, in time_zone. Default: "08:00".
	At string `yaml:"at"`
	// Days are those on which it comes: mon, tue, wed, thu, fri, sat, sun. What
	// was kept back on others is in the next one. Default: all.
	Days []string `yaml:"days"`
	// Off sends none: what was kept back is on a page only. Default: false.
	Off bool `yaml:"off"`
}

// NoticeText is a text of the tenant's own.
type NoticeText struct {
	// Kind names the text, e.g. not-sent.
	Kind string `yaml:"kind"`
	// Language is that of the text, e.g. de.
	Language string `yaml:"language"`
	// Subject is that of the mail, with variables in braces.
	Subject string `yaml:"subject"`
	// Text is what the mail says.
	Text string `yaml:"text"`
}

// Retention is how long things are kept of a tenant; 0 is as the installation
// says.
type Retention struct {
	// Bytes is the longest that a message waits for somebody to decide.
	Bytes time.Duration `yaml:"bytes"`
	// Audit is how long the audit chain is kept.
	Audit time.Duration `yaml:"audit"`
}

// Contacts says what is remembered of earlier contact. No address and no
// content is kept, but keyed hashes.
type Contacts struct {
	// Keep is how long a contact is remembered after its last message.
	// Default: 4320h (180 days).
	Keep time.Duration `yaml:"keep"`
	// Off remembers nothing; rules that ask for first contact cannot be
	// evaluated then. Default: false.
	Off bool `yaml:"off"`
}

// Seal is the name and the key of a signature.
type Seal struct {
	// Domain and Selector name the key: SELECTOR._domainkey.DOMAIN, a TXT
	// record that `postern check` writes out.
	Domain string `yaml:"domain"`
	// Selector is the first part of that name.
	Selector string `yaml:"selector"`
	// Key is the private key in PEM, RSA with 2048 bits or more (a seal takes
	// no other); better file:PATH or env:NAME.
	Key string `yaml:"key"`
}

// TrustedTag is a header field with the value that is trusted.
type TrustedTag struct {
	// Header is the field's name.
	Header string `yaml:"header"`
	// Value is the whole value, without regard to case; "*" is any value.
	Value string `yaml:"value"`
}

// Peers says who may bring the tenant's mail.
type Peers struct {
	// Exchange is how Exchange Online is recognized.
	Exchange ExchangePeers `yaml:"exchange"`
	// Other are on-premises servers or other MTAs of the tenant.
	Other []OtherPeer `yaml:"other"`
}

// ExchangePeers is how Exchange Online is recognized.
type ExchangePeers struct {
	// Networks is "microsoft" for the published list, or prefixes, none
	// wider than /8 (IPv6: /20).
	// Default: microsoft.
	Networks Networks `yaml:"networks"`
	// Names are those that a client certificate of Exchange may carry.
	// Default: "mail.protection.outlook.com", "*.mail.protection.outlook.com",
	// "*.outbound.protection.outlook.com".
	Names []string `yaml:"names"`
	// Certificate says whether one is "required" or, when Exchange gives
	// none, dispensable ("optional"). A wrong one is always refused.
	// Default: optional.
	Certificate Need `yaml:"certificate"`
}

// OtherPeer is a server of the tenant that is not Exchange Online.
type OtherPeer struct {
	// Networks are its addresses; never Microsoft's.
	Networks Networks `yaml:"networks"`
	// Certificate is the DNS name that its client certificate must carry.
	Certificate string `yaml:"certificate"`
}

// Networks is a list of prefixes, or the word "microsoft".
type Networks []string

// UnmarshalYAML takes one word or a list.
func (n *Networks) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if err := unmarshal(&one); err == nil {
		*n = Networks{one}
		return nil
	}
	var list []string
	if err := unmarshal(&list); err != nil {
		return err
	}
	*n = list
	return nil
}

// Return says how the tenant's mail goes back.
type Return struct {
	// Host is "mx" (look up, Exchange Online first) or a pinned host[:port].
	// Default: mx.
	Host string `yaml:"host"`
	// ClientCert is the file (or env:NAME) of the tenant's client certificate
	// and key, in PEM.
	ClientCert string `yaml:"client_cert"`
	// TLS is require, opportunistic, or off (only on loopback).
	// Default: require.
	TLS mail.TLSLevel `yaml:"tls"`
	// ServerName is the name that the next hop's certificate must carry.
	// Default: the host's name.
	ServerName string `yaml:"server_name"`
	// ForeignMX allows a mail exchanger that is not Exchange Online's.
	// Default: false.
	ForeignMX bool `yaml:"foreign_mx"`
	// User authenticates at a pinned smart host; only over TLS.
	User string `yaml:"user"`
	// Password belongs to User; better file:PATH or env:NAME.
	Password string `yaml:"password"`
}

// Copies are addresses that receive copies of the tenant's mail.
type Copies struct {
	// BCC are the targets of BlindCopyTo rules.
	BCC []string `yaml:"bcc"`
	// Journal are the targets of journal rules; they are secrets, because a
	// journal report carries no tenant header.
	Journal []string `yaml:"journal"`
}

// Validate are the recipients of connector validation.
type Validate struct {
	// Probe is an address of ours that swallows the message.
	Probe string `yaml:"probe"`
	// External is an address outside that the tenant entered; at most 5
	// validation messages go there, until Done is set.
	External string `yaml:"external"`
	// Done is set when the connector has been validated.
	Done bool `yaml:"done"`
}

// Switches are named decisions about unproven behavior of Exchange Online.
type Switches struct {
	// OriginatorOrgIn requires X-OriginatorOrg on incoming mail too.
	// Default: false (exchange.md 13.1 is open).
	OriginatorOrgIn bool `yaml:"originator_org_in"`
	// CrossTenantOnNull is "required" or "optional" for mail with the null
	// reverse-path, whose headers may be fewer, X-OriginatorOrg among them.
	// Optional is allowed only together with the tenant header.
	// Default: required.
	CrossTenantOnNull Need `yaml:"cross_tenant_on_null"`
	// CrossTenantOnIncoming is "required" or "optional" for mail that Exchange
	// took from outside, and its copies (exchange.md 13.1 is open). Optional
	// is allowed only together with the tenant header, and then its secret is
	// all that proves such mail. Default: required.
	CrossTenantOnIncoming Need `yaml:"cross_tenant_on_incoming"`
	// WithoutEntraTenant allows a tenant that nothing but X-OriginatorOrg
	// names: no entra_tenant where it is required otherwise. The header is
	// then demanded in both directions. Default: false.
	WithoutEntraTenant bool `yaml:"without_entra_tenant"`
	// Relays lets mail go out that Exchange itself only relayed (AuthAs other
	// than Internal), for tenants with printers and applications.
	// Default: false.
	Relays bool `yaml:"relays"`
	// StaleDirectory says what a directory is good for that is too old: "use"
	// takes it nevertheless, "unknown" takes nothing from it, so that rules
	// that ask for groups or managers cannot be evaluated.
	// Default: use.
	StaleDirectory StaleDirectory `yaml:"stale_directory"`
}

// StaleDirectory says what a directory is good for that is too old.
type StaleDirectory string

// The values of StaleDirectory.
const (
	StaleUse     StaleDirectory = "use"
	StaleUnknown StaleDirectory = "unknown"
)

// Need says whether a fact must be there.
type Need string

// The needs.
const (
	// Required: without it the message is deferred.
	Required Need = "required"
	// Optional: it may be missing, but never be wrong.
	Optional Need = "optional"
)

// Refuse is how a block is told.
type Refuse string

// The ways to refuse.
const (
	// ByReport is our own report; the message needs custody.
	ByReport Refuse = "report"
	// InSession is a 550; nothing is stored.
	InSession Refuse = "session"
)

// StoreFull is the key of On for a store that takes nothing more.
const StoreFull = "store-full"
