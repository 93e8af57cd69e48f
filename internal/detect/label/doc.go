// Package label reads sensitivity labels and classification marks out of the
// header of a message and out of what documents say about themselves.
//
// It upholds one law: a label counts only when it says of itself that it is
// enabled and not removed; everything else about it may be missing.
//
// It reads no document (extract gives their properties), and it knows no
// policy.
//
// Standards: Microsoft Information Protection SDK, "label metadata" (the
// attributes MSIP_Label_<GUID>_…); MS-OFFCRYPTO §2.6 and the part
// docMetadata/LabelInfo.xml (co-authoring); Australian Email Protective
// Marking Standard 2018 (PSPF).
package label
