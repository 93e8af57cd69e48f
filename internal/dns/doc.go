// Package dns asks the configured name servers and says what they know: mail
// exchangers, addresses, texts and names, and whether the answer was
// validated with DNSSEC.
//
// It upholds one law: an answer that could not be had is never taken for an
// answer that says "there is nothing". Error tells the two apart, because mail
// for a domain without a name server waits, and mail for a domain that does not
// exist does not.
//
// It does not choose a next hop and knows no tenant. It does not validate
// signatures itself: it believes the AD bit, and only of a resolver on this
// machine or one that the configuration calls trusted.
//
// Standards: RFC 1035 (DNS), RFC 2308 (negative caching), RFC 5321 §5.1 (mail
// exchangers), RFC 6840 §5.7 and §5.8 (the AD bit), RFC 6891 (EDNS0), RFC 7505
// (null MX), RFC 5891 (internationalized names).
package dns
