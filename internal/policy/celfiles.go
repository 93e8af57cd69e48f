package policy

import (
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"postern.dev/postern/internal/mail"
)

// file is an attachment of a moment.
type file struct {
	Attachment
	moment *moment
}

func attachmentFields() map[string]field {
	of := func(v any) Attachment { return v.(file).Attachment }
	return map[string]field{
		"name":      textField(func(v any) string { return of(v).Name }, "the file name"),
		"type":      textField(func(v any) string { return strings.ToLower(of(v).Type) }, "the media type by content"),
		"size":      numField(func(v any) int64 { return of(v).Size }, "octets"),
		"extension": textField(func(v any) string { return of(v).extension() }, "of the name, in lower case without dot"),
		"encrypted": flagField(func(v any) bool { return of(v).Encrypted }, "it could not be read without a password or key"),
		"macro": {types.BoolType, func(v any) ref.Val {
			if of(v).Macro == nil {
				return unknownValue("whether an attachment holds macros")
			}
			return types.Bool(*of(v).Macro)
		}, "it, or a file in it, holds macros (VBA, Basic)"},
		"part":     keptField(of, func(a Attachment) ref.Val { return types.String(a.Part) }, "its path"),
		"parent":   keptField(of, func(a Attachment) ref.Val { return types.String(a.Parent) }, "the path of the file it lies in, else `\"\"`"),
		"embedded": keptField(of, func(a Attachment) ref.Val { return types.Bool(a.Parent != "") }, "it lies in another file"),
		"findings": findingsField(func(v any) ref.Val {
			return v.(file).moment.within(scope{part: of(v).Part, kept: of(v).Part != ""})
		}, "what was found in it and in the files inside it"),
		"labels": {types.NewListType(types.NewObjectType(typeLabel)), func(v any) ref.Val {
			if of(v).Part == "" || v.(file).moment.unknown["labels"] {
				return unknownValue("the labels of an attachment")
			}
			var list []Label
			for _, l := range v.(file).moment.facts.Labels {
				if inPart(l.Part, of(v).Part) {
					list = append(list, l)
				}
			}
			return objects(typeLabel, list)
		}, "sensitivity labels in it and in the files inside it"},
		"unseen": {types.NewListType(types.NewObjectType(typeUnseen)), func(v any) ref.Val {
			if of(v).Part == "" || v.(file).moment.unknown["unseen"] {
				return unknownValue("what was not looked at of an attachment")
			}
			var list []mail.Unseen
			for _, u := range v.(file).moment.facts.Unseen {
				if inPart(u.Part, of(v).Part) {
					list = append(list, u)
				}
			}
			return objects(typeUnseen, list)
		}, "what was not looked at of it and of the files inside it"},
	}
}

// keptField is a field that only facts with paths have.
func keptField(of func(any) Attachment, get func(Attachment) ref.Val, doc string) field {
	return field{get(Attachment{}).Type().(*types.Type), func(v any) ref.Val {
		if of(v).Part == "" {
			return unknownValue("the path of an attachment")
		}
		return get(of(v))
	}, doc}
}
