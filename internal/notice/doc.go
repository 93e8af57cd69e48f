// Package notice holds the texts of the mails that Postern writes to people.
//
// A text says in its first sentence what happened and whether anything left;
// it names the rule, the kind and place of what was found but never the value
// itself, what the reader can do, and whom to ask. It fits a phone.
//
// The texts are templates (packs/notices, one file a language; a tenant may put
// its own in their place), and Lint holds every one of them to these rules.
// Plain text and HTML are made of the same words. A value adds no line, no
// markup and no link, and a link leads nowhere but to the installation's own
// console name.
//
// The package knows no SMTP, no tenant and no store: it is given words and
// returns words.
//
// Standards: none; the texts are those of the product's own list (T1 to T22).
package notice
