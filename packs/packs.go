// Package packs carries the files that come with Postern: detectors, one a
// file, as docs/reference/detector-packs.md describes it; lists of terms;
// zones, which are lists of addresses; notices, the texts of our mails;
// names, what findings are called in other languages;
// profiles, which put detectors together for a law or a purpose; and ready
// policies with their tests. The files are part of the binary, so that it
// needs no others.
//
// It only carries them. What they mean is known to internal/detect/dlp,
// internal/policy, internal/profile and internal/pack.
//
// Standards: those that the packs name as their sources.
package packs

import (
	"embed"
	"io/fs"
)

//go:embed detectors/*.yaml profiles/*.yaml notices/*.yaml names/*.yaml terms/*.yaml zones/*.yaml policies/*.yaml policies/*.txtar
var files embed.FS

// File is one pack as it stands in the folder.
type File struct {
	// Name is the path below packs, e.g. "detectors/iban.yaml".
	Name string
	Data []byte
}

// Detectors lists the files of packs/detectors by name.
func Detectors() []File { return list("detectors/*.yaml") }

// Profiles lists the files of packs/profiles by name.
func Profiles() []File { return list("profiles/*.yaml") }

// Terms lists the files of packs/terms by name.
func Terms() []File { return list("terms/*.yaml") }

// Notices lists the files of packs/notices by name.
func Notices() []File { return list("notices/*.yaml") }

// Names lists the files of packs/names by name.
func Names() []File { return list("names/*.yaml") }

// Zones lists the files of packs/zones by name.
func Zones() []File { return list("zones/*.yaml") }

// Policies lists the files of packs/policies by name: ready policies, and
// archives of their tests.
func Policies() []File { return append(list("policies/*.yaml"), list("policies/*.txtar")...) }

func list(pattern string) []File {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		panic("packs: " + err.Error()) // the pattern is a constant
	}
	list := make([]File, 0, len(names))
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			panic("packs: " + err.Error()) // the file was listed just before
		}
		list = append(list, File{Name: name, Data: data})
	}
	return list
}
