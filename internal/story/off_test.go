package story

import (
	"errors"
	"os"
	"path/filepath"

	"postern.dev/postern/internal/app"
)

// tenantIs switches the tenant off, takes its file away, or puts it back.
func tenantIs(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	path := filepath.Join(s.plan.Dir, "tenants", "contoso.yaml")
	if s.whole == nil {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s.whole = text
	}
	var err error
	switch len(words) {
	case 1:
		switch words[0] {
		case "off":
			err = os.WriteFile(path, append([]byte("disabled: true\n"), s.whole...), 0o600)
		case "gone":
			err = os.Remove(path)
		case "on":
			err = os.WriteFile(path, s.whole, 0o600)
		default:
			err = errors.New("off, gone or on")
		}
	default:
		err = errors.New("off, gone or on")
	}
	if err != nil {
		return err
	}
	_, err = s.house.App.Do(s.ctx, "reload", app.Call{}, "story")
	s.settle()
	return err
}
