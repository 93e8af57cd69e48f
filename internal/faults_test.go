package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every row of the page of faults names tests that exist.
func TestTheTestsThatThePageOfFaultsNamesExist(t *testing.T) {
	page, err := os.ReadFile("../docs/reference/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, pattern := range []string{"*/*_test.go", "*/*/*_test.go", "../e2e/*_test.go", "../bench/*/*_test.go", "../cmd/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(text)
		}
	}
	stories := regexp.MustCompile("stor(?:y|ies) ((?:`[a-z0-9-]+`(?:, )?)+)")
	for number, line := range strings.Split(string(page), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Fault |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		shown := cells[len(cells)-1]
		tests := regexp.MustCompile(`\bTest\w+`).FindAllString(shown, -1)
		for _, name := range tests {
			if !strings.Contains(code.String(), "func "+name+"(") {
				t.Errorf("faults.md:%d: there is no %s", number+1, name)
			}
		}
		list := stories.FindAllStringSubmatch(shown, -1)
		for _, m := range list {
			for _, name := range regexp.MustCompile("[a-z0-9-]+").FindAllString(m[1], -1) {
				if _, err := os.Stat("story/testdata/" + name + ".txtar"); err != nil {
					t.Errorf("faults.md:%d: there is no story %s", number+1, name)
				}
			}
		}
		if len(tests)+len(list) == 0 {
			t.Errorf("faults.md:%d names no test", number+1)
		}
	}
}
