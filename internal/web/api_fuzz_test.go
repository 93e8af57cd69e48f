package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// FuzzHeldAPI sends queries and bodies of any kind to each route, as somebody
// who may see and no more: he gets JSON, changes nothing, and learns nothing of
// another tenant.
func FuzzHeldAPI(f *testing.F) {
	o := newOffice(f)
	var routes []string
	for pattern := range o.heldRoutes() {
		routes = append(routes, pattern)
	}
	slices.Sort(routes)
	api := o.HeldAPI(func(*http.Request) (Visitor, bool) { return Visitor{UID: sees, HeldOnly: true}, true })
	before := o.all(f)
	f.Add(byte(0), "c1", "state=over&older=7d", "")
	f.Add(byte(1), "c1", "behind=NzZ6M3FhbmU2bTgwIGYxIGJvYkBlbHNlLmV4YW1wbGU&limit=1", "")
	f.Add(byte(5), "c1", "", `{"decision":"approve","to":["bob@else.example"],"comment":"\u0000"}`)
	f.Add(byte(7), "f1", "", `{"text":"why?","other":"dana@contoso.example"}`)
	f.Add(byte(9), "../f1", "tenant=fabrikam", `{"id":"clean-up-1","decision":"reject","filter":{"older":"1d"},"total":9e9}`)
	f.Add(byte(11), "c1%00", "sender=%ff", `[[[[`)
	f.Fuzz(func(t *testing.T, route byte, id, query, content string) {
		method, path, _ := bytes.Cut([]byte(routes[int(route)%len(routes)]), []byte(" "))
		r := &http.Request{
			Method: string(method), Header: http.Header{"Content-Type": {"application/json"}}, Host: "postern",
			Body: http.NoBody, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		}
		made := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte(content)))
		r.Body, r.ContentLength = made.Body, made.ContentLength
		r.URL = made.URL
		r.URL.Path, r.URL.RawQuery = string(bytes.ReplaceAll(path, []byte("{id}"), []byte(id))), query
		r = r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(&net.UnixAddr{Name: "x"})))
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		text := w.Body.Bytes()
		switch {
		case w.Code >= 500:
			t.Fatalf("%s %q?%q %q: %d %s", method, r.URL.Path, query, content, w.Code, text)
		case w.Code >= 300 && w.Code < 400: // the mux tidies the path
		case !json.Valid(text) || bytes.ContainsAny(text, "<>"):
			t.Fatalf("%s %q: %q", method, r.URL.Path, text)
		case bytes.Contains(text, []byte("ann@fabrikam.example")):
			t.Fatalf("%s %q?%q: another tenant's mail: %s", method, r.URL.Path, query, text)
		}
		if method[0] == 'P' && w.Code < 300 {
			t.Fatalf("%s %q %q: %d %s", method, r.URL.Path, content, w.Code, text)
		}
		if after := o.all(t); !bytes.Equal(before, after) {
			t.Fatalf("%s %q %q changed held mail", method, r.URL.Path, content)
		}
	})
}

// all is everything that is held.
func (o *office) all(t testing.TB) []byte {
	var list []quarantine.Hold
	err := o.DB.View(context.Background(), func(tx *store.Tx) error {
		for _, id := range []string{"c1", "c2", "c3", "c4", "f1"} {
			holds, err := quarantine.Of(tx, id)
			if err != nil {
				return err
			}
			list = append(list, holds...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
