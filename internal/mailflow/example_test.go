package mailflow_test

import (
	"fmt"

	"postern.dev/postern/internal/mailflow"
)

func ExampleLoad() {
	_, err := mailflow.Load([]byte(`{
		"Organization": {"Name": "contoso", "TenantId": "11111111-2222-3333-4444-555555555555"},
		"AcceptedDomains": [{"DomainName": "contoso.example", "DomainType": "Authoritative"}],
		"TransportRules": [{"Name": "mark", "Priority": 0, "FromScop": "InOrganization", "SetHeaderName": "X-A"}]
	}`))
	fmt.Println(err)
	// Output:
	// mailflow: 2 mistakes:
	// TransportRules "mark" SetHeaderName: needs its twin: the two are always a pair
	// TransportRules "mark" FromScop: is not known here; did you mean FromScope?
}
