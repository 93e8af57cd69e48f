// Package mailflow holds the types of a tenant's mail flow as Exchange Online
// keeps it: transport rules, connectors, accepted domains, recipients, groups
// and journal rules, in JSON of the shape that Get-TransportRule,
// Get-InboundConnector, Get-OutboundConnector, Get-AcceptedDomain and
// Get-DistributionGroup print.
//
// It upholds one law: a property that says something is either understood or
// reported. Nothing that was set is dropped in silence, because a condition
// that nobody sees makes a rule match more than its owner meant. Check
// therefore lists every mistake at once, each with its place.
//
// It does not execute rules (fakeexchange has an interpreter of its own), it
// proves nothing about them and it never talks to a tenant.
//
// Standards: none; the shapes are Microsoft's.
package mailflow
