// Package ooxml reads Office Open XML: Word, Excel (also its binary form),
// PowerPoint and Visio files, their templates and those with macros; and XPS,
// whose pages lie in packages of the same kind.
//
// It upholds two laws:
//
//	every part is looked at, by its content: what no relationship names and
//	what the content types call something else is read as well, and a part
//	of an unknown kind is read as plain XML, or handed on as a file;
//	what a person sees in one piece comes out in one piece: runs are joined,
//	paragraphs and cells are kept apart, and of revised text both the old
//	and the new form come out.
//
// The package knows its parts by their root elements, not by namespaces, so
// that the strict and the transitional form are one. It does not know how
// the files inside are read, nor what is found in the text.
//
// Standards: ECMA-376 parts 1 to 4 (ISO/IEC 29500): part 2 §9 (packages),
// part 1 §17 (WordprocessingML), §18 (SpreadsheetML), §19 (PresentationML),
// §21 (DrawingML), part 3 §10 (alternate content), part 4 §14 (VML);
// MS-XLSB (binary workbooks), MS-VSDX (Visio), MS-OI29500; ECMA-388 §10, §12
// (XPS).
package ooxml
