// Package label reads sensitivity labels and classification marks out of the
// header of a message.
//
// It upholds one law: a label counts only when it says of itself that it is
// enabled; everything else about it may be missing.
//
// It does not find labels in documents (extract gives their properties), and
// it knows no policy.
//
// Standards: Microsoft Information Protection SDK, "label metadata" (the
// attributes MSIP_Label_<GUID>_…).
package label
