package fakeexchange

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mailflow"
)

// Prefixes of the headers that the borders treat (exchange.md 5.7).
const (
	organization  = "X-MS-Exchange-Organization-"
	crossPremises = "X-MS-Exchange-CrossPremises-"
	crossTenant   = "X-MS-Exchange-CrossTenant-"
	forest        = "X-MS-Exchange-Forest-"
	originatorOrg = "X-OriginatorOrg"
	stamped       = "X-MS-Exchange-Transport-CrossTenantHeadersStamped"
	stripped      = "X-MS-Exchange-Transport-CrossTenantHeadersStripped"
)

func hasPrefix(name, prefix string) bool {
	return len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// enter is the header firewall for what comes in. c is the connector that
// matched, nil without one.
func (x *Exchange) enter(m *message, c *mailflow.InboundConnector, now time.Time) {
	retained := c != nil && c.CloudServicesMailEnabled && strings.EqualFold(c.ConnectorType, mailflow.OnPremises)
	m.raw = without(m.raw, func(name string) bool {
		return hasPrefix(name, organization) || hasPrefix(name, forest) || hasPrefix(name, crossPremises) && !retained
	})
	m.raw = renamed(m.raw, func(name string) (string, bool) {
		if hasPrefix(name, crossPremises) {
			return organization + name[len(crossPremises):], true
		}
		return "", false
	})
	x.stripCrossTenant(m)
	internal := strings.EqualFold(value(m.raw, organization+"AuthAs"), "Internal")
	m.trusted = internal && x.sw.ScopeSurvivesReturn || c != nil && c.TreatMessagesAsInternal
	m.scl = 1
	if m.trusted {
		m.scl = -1
	}
	if _, err := fmt.Sscanf(value(m.raw, organization+"SCL"), "%d", &m.scl); err != nil {
		m.setSCL(m.scl)
	}
	if value(m.raw, organization+"AuthAs") == "" {
		m.raw = prepend(m.raw, organization+"AuthAs", "Anonymous")
		m.raw = prepend(m.raw, organization+"AuthSource", serverName)
	}
	direction := "Incoming"
	if m.originating {
		direction = "Originating"
	}
	m.raw = setHeader(m.raw, organization+"MessageDirectionality", direction)
	hello := m.hello
	if hello == "" {
		hello = "unknown"
	}
	m.raw = prepend(m.raw, "Received", fmt.Sprintf("from %s (%s)\r\n by %s with Microsoft SMTP Server id 15.20.9999.1; %s",
		hello, m.ip, serverName, now.UTC().Format(time.RFC1123Z)))
	if m.results != "" { // above the hop; what the sender wrote stays below it
		m.raw = prepend(m.raw, "Authentication-Results", m.results)
	}
}

// stripCrossTenant takes out what another tenant, or a liar, has stamped.
func (x *Exchange) stripCrossTenant(m *message) {
	if !x.sw.CrossTenantStrippedOnEntry {
		return
	}
	before := len(m.raw)
	m.raw = without(m.raw, func(name string) bool {
		return hasPrefix(name, crossTenant) || strings.EqualFold(name, originatorOrg) || strings.EqualFold(name, stripped)
	})
	if len(m.raw) != before {
		m.raw = prepend(m.raw, stripped, serverName)
	}
}

// setSCL writes the spam confidence level.
func (m *message) setSCL(n int) {
	m.scl = n
	m.raw = setHeader(m.raw, organization+"SCL", fmt.Sprint(n))
}

// leave is the header firewall for what goes out, and stamps the headers of
// exchange.md 5.7. c is nil when no connector is used.
func (x *Exchange) leave(m *message, c *mailflow.OutboundConnector, now time.Time) []byte {
	_, at := fieldsOf(m.raw)
	return slices.Concat(x.leavingHeader(m, m.raw[:at:at], c, now), m.raw[at:])
}

func (x *Exchange) leavingHeader(m *message, raw []byte, c *mailflow.OutboundConnector, now time.Time) []byte {
	authAs := value(raw, organization+"AuthAs")
	retain := c != nil && c.CloudServicesMailEnabled
	raw = renamed(raw, func(name string) (string, bool) {
		if retain && hasPrefix(name, organization) {
			return crossPremises + name[len(organization):], true
		}
		return "", false
	})
	raw = without(raw, func(name string) bool {
		return hasPrefix(name, organization) || hasPrefix(name, forest)
	})
	if !x.stamps(m) {
		return raw
	}
	raw = without(raw, func(name string) bool {
		return hasPrefix(name, crossTenant) || strings.EqualFold(name, originatorOrg) || strings.EqualFold(name, stamped)
	})
	add := func(name, text string) { raw = prepend(raw, name, text) }
	t := m.tenant
	add(stamped, shortName)
	if m.kind == ordinary && m.class != OOF {
		x.stampOrigin(m, authAs, now, add)
	}
	add(crossTenant+"Id", t.setup.Organization.TenantID)
	add(crossTenant+"Network-Message-Id", newGUID())
	if m.trusted || m.originating || x.sw.OriginatorOrgOnIncoming {
		org := t.domain()
		if d := domainOf(m.sender()); t.accepts(d) != "" {
			org = d
		}
		add(originatorOrg, org)
	}
	return raw
}

// stamps reports whether the cross-tenant headers go onto m at all.
func (x *Exchange) stamps(m *message) bool {
	switch {
	case !x.sw.CrossTenantHeaders:
		return false
	case m.kind == validation:
		return x.sw.CrossTenantOnValidation
	case m.kind != ordinary || m.class == OOF:
		return x.sw.CrossTenantOnSystemMail
	case !m.trusted && !m.originating:
		return x.sw.CrossTenantOnIncoming
	}
	return true
}

// stampOrigin writes the headers that say where a message was born; mail that
// only passed through looks different from a mailbox's own.
func (x *Exchange) stampOrigin(m *message, authAs string, now time.Time, add func(name, text string)) {
	if m.direct {
		add(crossTenant+"UserPrincipalName", "kG2xZ3bEYpq0fQ==")
		add(crossTenant+"MailboxType", "HOSTED")
		add(crossTenant+"FromEntityHeader", "Hosted")
	} else {
		add(crossTenant+"FromEntityHeader", "HybridOnPrem")
		add(crossTenant+"OriginalAttributedTenantConnectingIp",
			fmt.Sprintf("TenantId=%s;Ip=[%s];Helo=[%s]", m.tenant.setup.Organization.TenantID, m.ip, m.hello))
	}
	if authAs == "" {
		authAs = "Anonymous"
	}
	add(crossTenant+"OriginalArrivalTime", now.UTC().Format("02 Jan 2006 15:04:05.0000 (UTC)"))
	add(crossTenant+"AuthAs", authAs)
	add(crossTenant+"AuthSource", mailboxName)
}
