package dlp

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
)

// TestOurOwnProgramsAreSourceCode takes what nobody wrote for the detector: the
// files of this project, and with POSTERN_CODE those of another folder.
func TestOurOwnProgramsAreSourceCode(t *testing.T) {
	detectors := NewBase().Detectors(detect.Catalogue{Detectors: []string{"source-code"}})
	root := "../.."
	if other := os.Getenv("POSTERN_CODE"); other != "" {
		root = other
	}
	found, all := map[string]int{}, map[string]int{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		kind := filepath.Ext(path)
		switch kind {
		case ".go", ".py", ".js", ".ts", ".c", ".h", ".sh", ".pl", ".pm", ".java", ".sql", ".rb", ".php", ".cs", ".rs", ".lua":
		default:
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil || strings.Count(string(b), "\n") < 40 || len(b) > 1<<20 {
			return err
		}
		all[kind]++
		if best, _ := surest(detectors, "SOURCE_CODE", string(b)); best >= detect.Medium {
			found[kind]++
		} else if os.Getenv("POSTERN_CODE") != "" {
			t.Log(path, best)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for kind, n := range all {
		t.Logf("%s: %d of %d", kind, found[kind], n)
	}
	if all[".go"] < 100 || found[".go"]*100 < all[".go"]*92 {
		t.Errorf("%d of %d files of ours", found[".go"], all[".go"])
	}
}

func TestALineThatNobodyWroteIsNoCode(t *testing.T) {
	detectors := NewBase().Detectors(detect.Catalogue{Detectors: []string{"source-code"}})
	for _, long := range []bool{false, true} {
		fill := ""
		if long {
			fill = strings.Repeat("x", maxCode)
		}
		text := strings.Repeat("\tif total"+fill+" == 0 {\n\t\treturn first(total)\n\t}\n", 12)
		if long {
			text = strings.ReplaceAll(text, "first", "first"+fill)
		}
		if best, _ := surest(detectors, "SOURCE_CODE", text); (best == 0) != long {
			t.Errorf("long lines %t: %v", long, best)
		}
	}
}
