//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"
)

// ask is a verb over the admin socket, as the command line does it.
func (c *campaign) ask(verb string, call, answer any) error {
	body, err := json.Marshal(call)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(c.g.dir, "data/admin.sock"))
		}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://postern/"+verb, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := web.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	var problem struct{ Problem string }
	if err := json.Unmarshal(text, &problem); err != nil || problem.Problem != "" {
		return errors.Join(err, errors.New(problem.Problem))
	}
	return json.Unmarshal(text, answer)
}

// waiting is who is held.
type waiting struct {
	Held []waiter `json:"held"`
}

type waiter struct {
	Message, Because, AtEnd string
	Until                   time.Time
	Recipient               struct {
		Address string `json:"address"`
	}
}

type decision struct {
	Message string   `json:"message"`
	To      []string `json:"to"`
}

// person releases and rejects what waits for it; what was asked and not
// answered is asked again.
func (c *campaign) person() {
	defer c.wait.Done()
	for {
		select {
		case <-c.stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
		var list waiting
		if c.ask("held-list", struct{}{}, &list) != nil {
			continue // it is down
		}
		for _, h := range list.Held {
			verb := map[string]string{toRelease: "held-release", toReject: "held-reject"}[h.Recipient.Address]
			if verb == "" {
				continue
			}
			c.see(decisionSent, false)
			var answer struct{}
			if c.ask(verb, decision{h.Message, []string{h.Recipient.Address}}, &answer) != nil {
				break
			}
			c.see(decisionAnswer, false)
		}
	}
}
