// Package notice holds the texts of the mails that Postern writes to people.
//
// A text says in its first sentence what happened and whether anything left;
// it names the rule, the kind and place of what was found but never the value
// itself, what the reader can do, and whom to ask. It fits a phone.
//
// The package knows no SMTP, no tenant and no store: it is given words and
// returns words.
//
// Standards: none; the texts are those of the product's own list (T1 to T22).
package notice
