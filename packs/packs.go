// Package packs carries the detector packs: one YAML file a detector, as
// docs/reference/detector-packs.md describes it. The files are part of the
// binary, so that it needs no others.
//
// It only carries them. What they mean is known to internal/detect/dlp.
//
// Standards: none.
package packs

import (
	"embed"
	"io/fs"
)

//go:embed detectors/*.yaml
var files embed.FS

// File is one pack as it stands in the folder.
type File struct {
	// Name is the path below packs, e.g. "detectors/iban.yaml".
	Name string
	Data []byte
}

// Detectors lists the files of packs/detectors by name.
func Detectors() []File {
	names, err := fs.Glob(files, "detectors/*.yaml")
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
