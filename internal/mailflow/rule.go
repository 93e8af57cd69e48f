package mailflow

import (
	"encoding/json"
	"maps"
	"strings"
)

// Rule is a transport rule as Get-TransportRule shows it: one property per
// parameter, unset ones null or absent. Exceptions carry the prefix ExceptIf.
type Rule struct {
	// Properties are name, priority and the like.
	Properties
	// When are the conditions: all of them must hold, one value of each.
	When Predicates `json:"-"`
	// Except are the exceptions: one that holds is enough.
	Except Predicates `json:"-"`
	// Do are the actions: all of them are done.
	Do Actions `json:"-"`
	// Unknown are the names of properties that were set and are not known
	// here. Check reports them.
	Unknown []string `json:"-"`
}

// Properties are the parts of a rule that are neither condition nor action.
type Properties struct {
	Name     string `json:"Name"`
	Identity string `json:"Identity,omitempty"`
	GUID     string `json:"Guid,omitempty"`
	// Priority orders the rules; 0 is first.
	Priority Int `json:"Priority"`
	// State is Enabled (also when empty) or Disabled.
	State string `json:"State,omitempty"`
	// Mode is Enforce (also when empty), Audit or AuditAndNotify.
	Mode     string `json:"Mode,omitempty"`
	Comments string `json:"Comments,omitempty"`
	// RuleErrorAction is Ignore (also when empty) or Defer.
	RuleErrorAction string `json:"RuleErrorAction,omitempty"`
	// SenderAddressLocation is Header (also when empty), Envelope or
	// HeaderOrEnvelope.
	SenderAddressLocation string `json:"SenderAddressLocation,omitempty"`
	// RecipientAddressType is Resolved (also when empty) or Original.
	RecipientAddressType string `json:"RecipientAddressType,omitempty"`
	ActivationDate       *Date  `json:"ActivationDate,omitempty"`
	ExpiryDate           *Date  `json:"ExpiryDate,omitempty"`
}

// Enabled reports whether the rule takes part at all.
func (p Properties) Enabled() bool { return !strings.EqualFold(p.State, "Disabled") }

// Enforced reports whether the rule's actions are done; a rule in one of the
// audit modes only says that it matched.
func (p Properties) Enforced() bool { return p.Mode == "" || strings.EqualFold(p.Mode, "Enforce") }

// Predicates are the conditions of a rule, or its exceptions.
type Predicates struct {
	FromScope                            string  `json:"FromScope,omitempty"`
	SentToScope                          string  `json:"SentToScope,omitempty"`
	From                                 Strings `json:"From,omitempty"`
	FromMemberOf                         Strings `json:"FromMemberOf,omitempty"`
	FromAddressContainsWords             Strings `json:"FromAddressContainsWords,omitempty"`
	FromAddressMatchesPatterns           Strings `json:"FromAddressMatchesPatterns,omitempty"`
	SenderDomainIs                       Strings `json:"SenderDomainIs,omitempty"`
	RecipientDomainIs                    Strings `json:"RecipientDomainIs,omitempty"`
	SenderIPRanges                       Strings `json:"SenderIpRanges,omitempty"`
	SentTo                               Strings `json:"SentTo,omitempty"`
	SentToMemberOf                       Strings `json:"SentToMemberOf,omitempty"`
	RecipientAddressContainsWords        Strings `json:"RecipientAddressContainsWords,omitempty"`
	RecipientAddressMatchesPatterns      Strings `json:"RecipientAddressMatchesPatterns,omitempty"`
	AnyOfToHeader                        Strings `json:"AnyOfToHeader,omitempty"`
	AnyOfCcHeader                        Strings `json:"AnyOfCcHeader,omitempty"`
	AnyOfToCcHeader                      Strings `json:"AnyOfToCcHeader,omitempty"`
	AnyOfToHeaderMemberOf                Strings `json:"AnyOfToHeaderMemberOf,omitempty"`
	AnyOfCcHeaderMemberOf                Strings `json:"AnyOfCcHeaderMemberOf,omitempty"`
	AnyOfToCcHeaderMemberOf              Strings `json:"AnyOfToCcHeaderMemberOf,omitempty"`
	AnyOfRecipientAddressContainsWords   Strings `json:"AnyOfRecipientAddressContainsWords,omitempty"`
	AnyOfRecipientAddressMatchesPatterns Strings `json:"AnyOfRecipientAddressMatchesPatterns,omitempty"`
	HeaderContainsMessageHeader          string  `json:"HeaderContainsMessageHeader,omitempty"`
	HeaderContainsWords                  Strings `json:"HeaderContainsWords,omitempty"`
	HeaderMatchesMessageHeader           string  `json:"HeaderMatchesMessageHeader,omitempty"`
	HeaderMatchesPatterns                Strings `json:"HeaderMatchesPatterns,omitempty"`
	MessageTypeMatches                   string  `json:"MessageTypeMatches,omitempty"`
	SubjectContainsWords                 Strings `json:"SubjectContainsWords,omitempty"`
	SubjectMatchesPatterns               Strings `json:"SubjectMatchesPatterns,omitempty"`
	SubjectOrBodyContainsWords           Strings `json:"SubjectOrBodyContainsWords,omitempty"`
	SubjectOrBodyMatchesPatterns         Strings `json:"SubjectOrBodyMatchesPatterns,omitempty"`
	AttachmentNameMatchesPatterns        Strings `json:"AttachmentNameMatchesPatterns,omitempty"`
	AttachmentExtensionMatchesWords      Strings `json:"AttachmentExtensionMatchesWords,omitempty"`
	AttachmentSizeOver                   Size    `json:"AttachmentSizeOver,omitempty"`
	MessageSizeOver                      Size    `json:"MessageSizeOver,omitempty"`
	SCLOver                              *Int    `json:"SCLOver,omitempty"`
	WithImportance                       string  `json:"WithImportance,omitempty"`
	ManagerAddresses                     Strings `json:"ManagerAddresses,omitempty"`
	ManagerForEvaluatedUser              string  `json:"ManagerForEvaluatedUser,omitempty"`
	SenderManagementRelationship         string  `json:"SenderManagementRelationship,omitempty"`
	// The next four look into attachments with Microsoft's own extraction.
	AttachmentPropertyContainsWords   Strings `json:"AttachmentPropertyContainsWords,omitempty"`
	AttachmentProcessingLimitExceeded bool    `json:"AttachmentProcessingLimitExceeded,omitempty"`
	AttachmentIsPasswordProtected     bool    `json:"AttachmentIsPasswordProtected,omitempty"`
	AttachmentIsUnsupported           bool    `json:"AttachmentIsUnsupported,omitempty"`
}

// Actions are what a rule does.
type Actions struct {
	RouteMessageOutboundConnector   string  `json:"RouteMessageOutboundConnector,omitempty"`
	SetHeaderName                   string  `json:"SetHeaderName,omitempty"`
	SetHeaderValue                  string  `json:"SetHeaderValue,omitempty"`
	RemoveHeader                    string  `json:"RemoveHeader,omitempty"`
	SetSCL                          *Int    `json:"SetSCL,omitempty"`
	BlindCopyTo                     Strings `json:"BlindCopyTo,omitempty"`
	CopyTo                          Strings `json:"CopyTo,omitempty"`
	AddToRecipients                 Strings `json:"AddToRecipients,omitempty"`
	RedirectMessageTo               Strings `json:"RedirectMessageTo,omitempty"`
	AddManagerAsRecipientType       string  `json:"AddManagerAsRecipientType,omitempty"`
	ModerateMessageByUser           Strings `json:"ModerateMessageByUser,omitempty"`
	ModerateMessageByManager        bool    `json:"ModerateMessageByManager,omitempty"`
	RejectMessageReasonText         string  `json:"RejectMessageReasonText,omitempty"`
	RejectMessageEnhancedStatusCode string  `json:"RejectMessageEnhancedStatusCode,omitempty"`
	DeleteMessage                   bool    `json:"DeleteMessage,omitempty"`
	Quarantine                      bool    `json:"Quarantine,omitempty"`
	PrependSubject                  string  `json:"PrependSubject,omitempty"`
	StopRuleProcessing              bool    `json:"StopRuleProcessing,omitempty"`
	// The next ones change content or write notices of their own.
	ApplyHTMLDisclaimerText        string  `json:"ApplyHtmlDisclaimerText,omitempty"`
	ApplyRightsProtectionTemplate  string  `json:"ApplyRightsProtectionTemplate,omitempty"`
	ApplyOME                       bool    `json:"ApplyOME,omitempty"`
	RouteMessageOutboundRequireTLS bool    `json:"RouteMessageOutboundRequireTls,omitempty"`
	GenerateNotification           string  `json:"GenerateNotification,omitempty"`
	GenerateIncidentReport         string  `json:"GenerateIncidentReport,omitempty"`
	IncidentReportContent          Strings `json:"IncidentReportContent,omitempty"`
}

// Reject reports whether the rule refuses the message.
func (a Actions) Reject() bool {
	return a.RejectMessageReasonText != "" || a.RejectMessageEnhancedStatusCode != ""
}

const exceptPrefix = "ExceptIf"

// UnmarshalJSON reads an object of Get-TransportRule.
func (r *Rule) UnmarshalJSON(data []byte) error {
	all, err := object(data)
	if err != nil {
		return err
	}
	rest, except := split(all)
	*r = Rule{}
	for _, into := range []any{&r.Properties, &r.When, &r.Do} {
		if err := fill(rest, into); err != nil {
			return err
		}
	}
	if err := fill(except, &r.Except); err != nil {
		return err
	}
	known := names(Properties{}, Predicates{}, Actions{})
	r.Unknown = unknown(rest, known, ruleNotes)
	for _, name := range unknown(except, names(Predicates{}), nil) {
		r.Unknown = append(r.Unknown, exceptPrefix+name)
	}
	return nil
}

// split separates the exceptions, without their prefix, from the rest.
func split(all map[string]json.RawMessage) (rest, except map[string]json.RawMessage) {
	rest, except = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for name, value := range all {
		if cut, ok := strings.CutPrefix(name, exceptPrefix); ok {
			except[cut] = value
		} else {
			rest[name] = value
		}
	}
	return rest, except
}

// MarshalJSON writes the shape that UnmarshalJSON reads.
func (r Rule) MarshalJSON() ([]byte, error) {
	all := map[string]json.RawMessage{}
	for _, from := range []any{r.Properties, r.When, r.Do} {
		part, err := flat(from)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, part)
	}
	except, err := flat(r.Except)
	if err != nil {
		return nil, err
	}
	for name, value := range except {
		all[exceptPrefix+name] = value
	}
	return json.Marshal(all)
}

// ruleNotes are properties of Get-TransportRule that repeat or describe
// others and change nothing about what the rule does.
var ruleNotes = []string{
	"Conditions", "Exceptions", "Actions", "Description", "ImmutableId", "DistinguishedName", "OrganizationId",
	"WhenChanged", "RuleVersion", "Size", "IsRuleConfigurationSupported", "RuleSubType",
	"SetAuditSeverity", "LastModifiedBy", "CreatedBy", "IsValid", "ObjectState", "ExchangeVersion", "UseLegacyRegex",
	"ManuallyModified", "DlpPolicyId", "RunspaceId", "PSComputerName", "PSShowComputerName",
}
