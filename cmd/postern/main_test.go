package main

import (
	"maps"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"postern.dev/postern/internal/look"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == look.ChildArgument {
		os.Exit(look.Child())
	}
	testscript.Main(m, map[string]func(){"postern": main})
}

// TestVerbs runs the stories of testdata with the real program.
func TestVerbs(t *testing.T) {
	cmds := commands()
	maps.Copy(cmds, streetCommands())
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Cmds:                cmds,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else every verb waits a second
			return nil
		},
		RequireUniqueNames: true,
		UpdateScripts:      os.Getenv("UPDATE") != "",
	})
}
