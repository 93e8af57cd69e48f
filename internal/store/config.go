package store

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Config is the store section of postern.yaml.
type Config struct {
	// Path is the SQLite file. It is created, readable by nobody else, when it
	// is missing.
	// Default: postern.db in the data folder.
	Path string `yaml:"path"`

	// URL is a PostgreSQL database, postgres://user@host/name?…; it is used
	// instead of Path.
	URL string `yaml:"url"`

	// Readers is how many readings may run at once.
	// Default: 4.
	Readers int `yaml:"readers"`

	// Patience is how long a transaction waits for a lock that another process
	// holds on the database.
	// Default: 5s.
	Patience time.Duration `yaml:"patience"`

	// Unsafe accepts a PostgreSQL server that runs with fsync=off. Tests only.
	Unsafe bool `yaml:"-"`
}

// Check returns every mistake in c at once, each with the name of its key.
func (c Config) Check() error {
	var errs []error
	if (c.Path == "") == (c.URL == "") {
		errs = append(errs, errors.New("store: exactly one of path and url must be set"))
	}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		// The error of url.Parse would show the password.
		if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			errs = append(errs, errors.New("store.url: must be postgres://…"))
		}
	}
	if c.Readers < 0 {
		errs = append(errs, fmt.Errorf("store.readers: %d is negative", c.Readers))
	}
	if c.Patience < 0 {
		errs = append(errs, fmt.Errorf("store.patience: %s is negative", c.Patience))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Readers == 0 {
		c.Readers = 4
	}
	if c.Patience == 0 {
		c.Patience = 5 * time.Second
	}
	return c
}
