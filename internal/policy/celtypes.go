package policy

import (
	"errors"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"postern.dev/postern/internal/mail"
)

// errUnknown is the answer "cannot know". In CEL an error does not survive a
// definite other side (false && unknown is false, true || unknown is true),
// which is exactly the three-valued logic that is needed.
var errUnknown = errors.New("cannot be known")

func unknownValue(what string) ref.Val { return types.WrapErr(unknown(what)) }

// unknown is an errUnknown that says what cannot be known.
type unknown string

func (u unknown) Error() string { return string(u) + " " + errUnknown.Error() }

func (unknown) Unwrap() error { return errUnknown }

// The names of the object types in error messages.
const (
	typeParty      = "address"
	typeRecipient  = "recipient"
	typeContact    = "contact"
	typeFindings   = "findings"
	typeFinding    = "finding"
	typeCounts     = "counts"
	typeLabel      = "label"
	typeAttachment = "attachment"
	typeBody       = "body"
	typeUnseen     = "unseen"
	typeTLS        = "tls"
	typeVisible    = "visible"
	typeAuth       = "auth"
	typeDirectory  = "directory"
	typeMembers    = "members"
)

// field is one field of an object type: its type, how to read it from the Go
// value, and what it means.
type field struct {
	typ *types.Type
	get func(v any) ref.Val
	doc string
}

// objectTypes are the object types that do not depend on a set. The value of
// an address is a person, that of an attachment a file; the others are those
// of Facts.
func objectTypes() map[string]map[string]field {
	all := map[string]map[string]field{
		typeParty:      partyFields(),
		typeRecipient:  partyFields(),
		typeAttachment: attachmentFields(),
		typeFinding:    findingFields(),
		typeContact: {
			"count": numField(func(v any) int64 { return int64(v.(contact).Count) }, "how many messages there were before, either way"),
			"sent":  numField(func(v any) int64 { return int64(v.(contact).Sent) }, "how many of them went this way"),
			"first": timeField(func(v any) time.Time { return v.(contact).first() },
				"when the first of them was; now, when there was none"),
			"last": timeField(func(v any) time.Time { return v.(contact).last() },
				"when the last of them was; 1970, when there was none"),
		},
		typeCounts: {
			"high":   numField(func(v any) int64 { return v.(counts).high }, "with high confidence"),
			"medium": numField(func(v any) int64 { return v.(counts).medium }, "with medium confidence or better"),
			"low":    numField(func(v any) int64 { return v.(counts).low }, "with low confidence or better"),
			"total":  numField(func(v any) int64 { return v.(counts).low }, "the same as low: all of them"),
		},
		typeLabel: {
			"scheme": textField(func(v any) string { return v.(Label).Scheme }, "whose label it is, e.g. `msip`"),
			"id":     textField(func(v any) string { return v.(Label).ID }, "its GUID"),
			"site":   textField(func(v any) string { return v.(Label).Site }, "the Entra tenant it belongs to"),
			"name":   textField(func(v any) string { return v.(Label).Name }, "its name"),
			"part":   textField(func(v any) string { return v.(Label).Part }, "the path of the part it stands in"),
		},
		typeBody: {"findings": findingsField(func(v any) ref.Val { return v.(*moment).within(inBody()) },
			"what was found in the texts that are no attachments")},
		typeUnseen: {
			"part":   textField(func(v any) string { return v.(mail.Unseen).Part }, "the path of the part, `\"\"` for the message"),
			"name":   textField(func(v any) string { return v.(mail.Unseen).Name }, "its file name"),
			"reason": textField(func(v any) string { return string(v.(mail.Unseen).Reason) }, "the cause"),
		},
		typeTLS: {
			"used":     flagField(func(v any) bool { return v.(TLS).Used }, "the connection was encrypted"),
			"version":  textField(func(v any) string { return v.(TLS).Version }, "e.g. `TLS 1.3`"),
			"verified": flagField(func(v any) bool { return v.(TLS).Verified }, "the client's certificate is trusted"),
			"name":     textField(func(v any) string { return v.(TLS).Name }, "the first name of that certificate"),
		},
		typeVisible: {
			"to":      numField(func(v any) int64 { return int64(v.(Visible).To) }, "addresses in To"),
			"cc":      numField(func(v any) int64 { return int64(v.(Visible).Cc) }, "addresses in Cc"),
			"total":   numField(func(v any) int64 { return int64(v.(Visible).To + v.(Visible).Cc) }, "both"),
			"outside": numField(func(v any) int64 { return int64(v.(Visible).Outside) }, "those outside"),
			"domains": numField(func(v any) int64 { return int64(v.(Visible).Domains) }, "different domains of those outside"),
		},
		typeAuth:      authFields(),
		typeDirectory: directoryFields(),
		typeMembers:   membersFields(),
	}
	for name, f := range recipientFields() {
		all[typeRecipient][name] = f
	}
	return all
}

func textField(get func(any) string, doc string) field {
	return field{types.StringType, func(v any) ref.Val { return types.String(get(v)) }, doc}
}

func flagField(get func(any) bool, doc string) field {
	return field{types.BoolType, func(v any) ref.Val { return types.Bool(get(v)) }, doc}
}

func numField(get func(any) int64, doc string) field {
	return field{types.IntType, func(v any) ref.Val { return types.Int(get(v)) }, doc}
}

func timeField(get func(any) time.Time, doc string) field {
	return field{types.TimestampType, func(v any) ref.Val { return types.Timestamp{Time: get(v).UTC()} }, doc}
}

func findingsField(get func(any) ref.Val, doc string) field {
	return field{types.NewObjectType(typeFindings), get, doc}
}

// partyFields are those of every address.
func partyFields() map[string]field {
	of := func(v any) *Party { return v.(person).Party }
	return map[string]field{
		"address": textField(func(v any) string { return of(v).Address.Fold() }, "in lower case"),
		"domain":  textField(func(v any) string { return domainForm(of(v).Address.Domain()) }, "in A-labels"),
		"local":   textField(func(v any) string { return strings.ToLower(of(v).Address.Local()) }, "what stands before the @"),
		"inside":  flagField(func(v any) bool { return of(v).Inside }, "of the tenant's domains"),
		"outside": flagField(func(v any) bool { return !of(v).Inside }, "of another domain"),
		"groups": {types.NewListType(types.StringType), func(v any) ref.Val {
			if of(v).Groups == nil || of(v).Cut {
				return unknownValue("the groups of an address")
			}
			return types.NewStringList(types.DefaultTypeAdapter, of(v).Groups)
		}, "the groups it is a member of, nested ones too"},
		"manager": {types.StringType, func(v any) ref.Val {
			if of(v).Manager == nil {
				return unknownValue("the manager of an address")
			}
			return types.String(of(v).Manager.Fold())
		}, "the address of its manager, `\"\"` for none"},
		"guest": {types.BoolType, func(v any) ref.Val {
			if of(v).Guest == nil {
				return unknownValue("whether an address is a guest")
			}
			return types.Bool(*of(v).Guest)
		}, "a guest of the tenant"},
		"looks_like": {types.StringType, func(v any) ref.Val {
			if of(v).LooksLike == nil {
				return unknownValue("which domain the domain of an address can be mistaken for")
			}
			return types.String(*of(v).LooksLike)
		}, "the domain, often written to or the tenant's own, that its domain can be mistaken for, else `\"\"`"},
		"department": whoField(func(w Who) ref.Val { return types.String(w.Department) }, types.StringType, "of a user, else `\"\"`"),
		"shared":     whoField(func(w Who) ref.Val { return types.Bool(w.Shared) }, types.BoolType, "a mailbox of no single person"),
		"disabled":   whoField(func(w Who) ref.Val { return types.Bool(w.Disabled) }, types.BoolType, "a user who may not sign in"),
		"leaks":      whoField(func(w Who) ref.Val { return types.Bool(w.Leaks) }, types.BoolType, "its mail is forwarded outside"),
	}
}

// whoField is a field of what the directory says of a person; of somebody
// whom it does not know it says nothing.
func whoField(get func(Who) ref.Val, typ *types.Type, doc string) field {
	return field{typ, func(v any) ref.Val {
		switch p := v.(person).Party; {
		case p.Groups == nil:
			return unknownValue("what the directory says of an address")
		case p.Who == nil:
			return get(Who{})
		default:
			return get(*p.Who)
		}
	}, doc}
}

// recipientFields are those that recipients have besides.
func recipientFields() map[string]field {
	of := func(v any) *Party { return v.(person).Party }
	history := func(v any, get func(contact) ref.Val) ref.Val {
		if of(v).Contact == nil {
			return unknownValue("earlier mail to a recipient")
		}
		return get(contact{*of(v).Contact, v.(person).moment.facts.Now})
	}
	return map[string]field{
		"role": {types.StringType, func(v any) ref.Val {
			if of(v).Role == "" {
				return unknownValue("the role of a recipient")
			}
			return types.String(of(v).Role)
		}, "`to`, `cc` or `bcc`, which means in the envelope only"},
		"expanded": {types.StringType, func(v any) ref.Val {
			if of(v).Expanded == "" && of(v).Groups == nil {
				return unknownValue("the group that brought a recipient")
			}
			return types.String(foldGroup(of(v).Expanded))
		}, "the group of the header as whose member it gets the message, else `\"\"`"},
		"contact": {types.NewObjectType(typeContact), func(v any) ref.Val {
			return history(v, func(c contact) ref.Val { return object{typeContact, c} })
		}, "earlier mail between the sender and it"},
		"first_contact": {types.BoolType, func(v any) ref.Val {
			return history(v, func(c contact) ref.Val { return types.Bool(c.Count == 0 && !c.Colleague) })
		}, "there was none; false between two addresses of the tenant"},
		"members": {types.NewObjectType(typeMembers), func(v any) ref.Val {
			if of(v).Members == nil {
				return unknownValue("whom mail to a recipient reaches")
			}
			return object{typeMembers, *of(v).Members}
		}, "the people whom mail to it reaches: of a group all its members, else one"},
	}
}

// membersFields are those of the people behind a recipient.
func membersFields() map[string]field {
	of := func(v any) Members { return v.(Members) }
	return map[string]field{
		"total":   numField(func(v any) int64 { return int64(of(v).Total) }, "how many; at least, when `whole` is false"),
		"inside":  numField(func(v any) int64 { return int64(of(v).Total - of(v).Outside) }, "those inside"),
		"outside": numField(func(v any) int64 { return int64(of(v).Outside) }, "those outside; at least, when `whole` is false"),
		"whole":   flagField(func(v any) bool { return !of(v).Partial }, "all of them are known"),
		"domains": {types.NewListType(types.StringType), func(v any) ref.Val {
			return types.NewStringList(types.DefaultTypeAdapter, of(v).Domains)
		}, "the domains of those outside, at most 50"},
	}
}

// contact is a history and the time from which it is looked at.
type contact struct {
	Contact
	now time.Time
}

func (c contact) first() time.Time {
	if c.Count == 0 {
		return c.now
	}
	return c.First
}

func (c contact) last() time.Time {
	if c.Count == 0 {
		return time.Unix(0, 0)
	}
	return c.Last
}

func authFields() map[string]field {
	of := func(v any) Auth { return v.(Auth) }
	result := func(name string, get func(Auth) string) field {
		return field{types.StringType, func(v any) ref.Val {
			if r := get(of(v)); r != "" {
				return types.String(strings.ToLower(r))
			}
			return unknownValue("the result of " + name)
		}, "the result of " + name}
	}
	domain := func(of func(any) (result, domain string), doc string) field {
		return field{types.StringType, func(v any) ref.Val {
			r, d := of(v)
			if r == "" {
				return unknownValue("the domain of a result")
			}
			return types.String(d)
		}, doc}
	}
	return map[string]field{
		"spf":      result("SPF", func(a Auth) string { return a.SPF }),
		"dkim":     result("DKIM", func(a Auth) string { return a.DKIM }),
		"dmarc":    result("DMARC", func(a Auth) string { return a.DMARC }),
		"arc":      result("ARC", func(a Auth) string { return a.ARC }),
		"compauth": result("Exchange's composite authentication", func(a Auth) string { return a.CompAuth }),
		"source": {types.StringType, func(v any) ref.Val {
			if of(v).Source == "" {
				return unknownValue("whose results they are")
			}
			return types.String(of(v).Source)
		}, "whose results of SPF, DMARC and composite authentication they are: `exchange`, the name of a server of the " +
			"tenant, or `none`"},
		"spf_domain": domain(func(v any) (string, string) { return of(v).SPF, of(v).SPFDomain },
			"the domain for which SPF passed, else `\"\"`"),
		"dkim_domain": domain(func(v any) (string, string) { return of(v).DKIM, of(v).DKIMDomain },
			"the domain that signed, where DKIM passed, else `\"\"`"),
		"arc_sealer": domain(func(v any) (string, string) { return of(v).ARC, of(v).ARCSealer },
			"the domain that sealed last, where ARC passed, else `\"\"`"),
		"aligned": {types.BoolType, func(v any) ref.Val {
			if a := of(v); !a.Aligned && (a.SPF == "" || a.DKIM == "") {
				return unknownValue("whether the author is authenticated")
			}
			return types.Bool(of(v).Aligned)
		}, "SPF or DKIM passed for the organization of the one author in From"},
	}
}

func directoryFields() map[string]field {
	return map[string]field{
		"age": {types.DurationType, directoryAge, "how old it is"},
		"stale": {types.BoolType, func(v any) ref.Val {
			m := v.(*moment)
			if m.facts.Directory == nil || m.unknown["directory"] {
				return unknownValue("whether the directory is too old")
			}
			return types.Bool(m.facts.Directory.Stale)
		}, "it is older than the tenant's `directory_stale` allows"},
	}
}

// directoryAge is how old the directory is at the time of judging.
func directoryAge(v any) ref.Val {
	m := v.(*moment)
	if m.facts.Directory == nil || m.facts.Directory.AsOf.IsZero() || m.unknown["directory"] {
		return unknownValue("the age of the directory")
	}
	return types.Duration{Duration: m.facts.Now.Sub(m.facts.Directory.AsOf)}
}

// variable is a name that a condition may use, besides recipient.
type variable struct {
	name string
	key  string // the key of Facts; when that is unknown, so is the variable
	typ  *types.Type
	get  func(m *moment) ref.Val
	doc  string
}

// variableNamed finds a name.
func variableNamed(name string) (variable, bool) {
	v, ok := variablesOnce()[name]
	return v, ok
}

// variablesOnce indexes the table when it is first asked for: it never changes.
var variablesOnce = func() func() map[string]variable {
	return sync.OnceValue(func() map[string]variable {
		all := map[string]variable{}
		for _, v := range variables() {
			all[v.name] = v
		}
		return all
	})
}()

// variables are the names of conditions, besides recipient.
func variables() []variable {
	obj := types.NewObjectType
	list := func(name string) *types.Type { return types.NewListType(obj(name)) }
	text := func(get func(f *Facts) string) func(m *moment) ref.Val {
		return func(m *moment) ref.Val { return types.String(get(m.facts)) }
	}
	flag := func(get func(f *Facts) bool) func(m *moment) ref.Val {
		return func(m *moment) ref.Val { return types.Bool(get(m.facts)) }
	}
	num := func(get func(f *Facts) int64) func(m *moment) ref.Val {
		return func(m *moment) ref.Val { return types.Int(get(m.facts)) }
	}
	s, b, n := types.StringType, types.BoolType, types.IntType
	return append([]variable{
		{"direction", "direction", s, text(func(f *Facts) string { return string(f.Direction) }),
			"`outbound`, `inbound` or `internal`"},
		{"tenant", "tenant", s, text(func(f *Facts) string { return f.Tenant }), "the tenant's id"},
		{"kind", "kind", s, text(func(f *Facts) string { return f.Kind }),
			"the kind of arrival: `inline-out`, `inline-in`, `copy`, `journal`, `other`"},
		{"monitor", "monitor", b, flag(func(f *Facts) bool { return f.Monitor }), "the message is only watched"},
		{"subject", "subject", s, text(func(f *Facts) string { return f.Subject }), "the subject, decoded"},
		{"size", "size", n, num(func(f *Facts) int64 { return f.Size }), "octets of the message"},
		{"automatic", "automatic", b, flag(func(f *Facts) bool { return f.Automatic }), "a machine sent it"},
		{"null_sender", "null_sender", b, flag(func(f *Facts) bool { return f.NullSender }), "the sender is `<>`"},
		{"calendar", "calendar", b, flag(func(f *Facts) bool { return f.Calendar }), "a meeting message"},
		{"ooo", "ooo", b, flag(func(f *Facts) bool { return f.OOO }), "an out-of-office reply"},
		{"report", "report", b, flag(func(f *Facts) bool { return f.Report }), "a delivery or read report"},
		{"recall", "recall", b, flag(func(f *Facts) bool { return f.Recall }), "a message of Exchange's recall"},
		{"bulk", "bulk", b, flag(func(f *Facts) bool { return f.Bulk }), "a mailing list or newsletter"},
		{"forwarded", "forwarded", b, flag(func(f *Facts) bool { return f.Forwarded }),
			"a machine passed it on: an inbox rule, a forwarding mailbox (`+SRS=`)"},
		{"redirected", "redirected", b, flag(func(f *Facts) bool { return f.Redirected }),
			"passed on under its first author's name"},
		{"labels", "labels", list(typeLabel), func(m *moment) ref.Val { return objects(typeLabel, m.facts.Labels) },
			"sensitivity labels"},
		{"unseen", "unseen", list(typeUnseen), func(m *moment) ref.Val { return objects(typeUnseen, m.facts.Unseen) },
			"what was not looked at"},
		{"inspected", "inspected", s, text((*Facts).inspected), "`full`, `partial` or `none`"},
		{"tls", "tls", obj(typeTLS), func(m *moment) ref.Val { return object{typeTLS, m.facts.TLS} },
			"what the arriving connection proved"},
		{"passes", "passes", n, num(func(f *Facts) int64 { return int64(f.Passes) }), "how often it came by before"},
		{"deferrals", "deferrals", n, num(func(f *Facts) int64 { return int64(f.Deferrals) }), "how often it was deferred"},
		{"now", "now", types.TimestampType, func(m *moment) ref.Val {
			return types.Timestamp{Time: m.facts.Now.UTC().Round(time.Millisecond)}
		}, "when it was judged"},
		{"auth", "auth", obj(typeAuth), func(m *moment) ref.Val {
			if m.facts.Auth == nil {
				return unknownValue("auth")
			}
			return object{typeAuth, *m.facts.Auth}
		}, "sender authentication"},
		{"directory", "", obj(typeDirectory), func(m *moment) ref.Val { return object{typeDirectory, m} },
			"the directory that groups come from"},
	}, contents()...)
}

// contents are the names for people and parts.
func contents() []variable {
	obj := types.NewObjectType
	list := func(name string) *types.Type { return types.NewListType(obj(name)) }
	party := func(get func(f *Facts) Party) func(m *moment) ref.Val {
		return func(m *moment) ref.Val { return m.person(typeParty, get(m.facts)) }
	}
	return []variable{
		{"sender", "sender", obj(typeParty), party(func(f *Facts) Party { return f.Sender }),
			"whom the policy means by its sender: the envelope's, unless it says otherwise"},
		{"mailbox", "mailbox", obj(typeParty), party(func(f *Facts) Party { return f.Mailbox }),
			"the author in the header (From): whose mail it is"},
		{"user", "user", obj(typeParty), party(func(f *Facts) Party { return f.User }),
			"who sent it on behalf of the mailbox (Sender); else the mailbox"},
		{"on_behalf", "user", types.BoolType, func(m *moment) ref.Val {
			return types.Bool(m.facts.User.Address.Fold() != m.facts.Mailbox.Address.Fold())
		}, "user and mailbox differ"},
		{"from", "from", list(typeParty), func(m *moment) ref.Val { return m.people(typeParty, m.facts.From) },
			"the authors in the header"},
		{"recipients", "recipients", list(typeRecipient), func(m *moment) ref.Val {
			return m.people(typeRecipient, m.facts.Recipients)
		}, "all recipients of the envelope"},
		{"visible", "visible", obj(typeVisible), func(m *moment) ref.Val { return object{typeVisible, m.facts.Visible} },
			"how many recipients everybody sees"},
		{"outside_domains", "recipients", types.IntType, func(m *moment) ref.Val {
			return types.Int(m.outsideDomains())
		}, "how many different domains the recipients outside have"},
		{"findings", "", obj(typeFindings), func(m *moment) ref.Val { return m.within(everywhere()) },
			"what was found: `findings.<detector>.high`, `.medium`, `.low` or `.total`"},
		{"attachments", "attachments", list(typeAttachment), func(m *moment) ref.Val {
			files := make([]file, len(m.facts.Attachments))
			for i, a := range m.facts.Attachments {
				files[i] = file{a, m}
			}
			return objects(typeAttachment, files)
		}, "the files, and the files inside them"},
		{"body", "", obj(typeBody), func(m *moment) ref.Val { return object{typeBody, m} },
			"the texts that are no attachments"},
	}
}
