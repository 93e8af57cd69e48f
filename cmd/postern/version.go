package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is set by the linker: -ldflags "-X main.release=1.2.3". It is a
// variable only because the linker cannot set anything else.
var release string

type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Time    string `json:"time"`
	Changed bool   `json:"changed"`
	Go      string `json:"go"`
}

func (p *program) versionVerb() *cobra.Command {
	return p.verb("version", "Version, commit, Go version", takes(0, 0, ""), func(*cobra.Command, []string) error {
		v := version()
		if p.json {
			return p.document(v)
		}
		changed := ""
		if v.Changed {
			changed = " with changes"
		}
		p.say("postern %s\ncommit  %s%s\nof      %s\ngo      %s", v.Version, v.Commit, changed, v.Time, v.Go)
		return nil
	})
}

func version() versionInfo {
	v := versionInfo{Version: release, Commit: "unknown", Time: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Changed = s.Value == "true"
		}
	}
	return v
}
