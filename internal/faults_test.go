package house_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName  = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)
	storyList = regexp.MustCompile("stor(?:y|ies) ((?:`[a-z0-9-]+`(?:,\\s+)?)+)")
	storyName = regexp.MustCompile("[a-z0-9-]+")
)

// testCode is the text of all tests of the project.
func testCode(t *testing.T) string {
	var code strings.Builder
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go", "../e2e/*_test.go", "../e2e/*/*_test.go",
		"../bench/*/*_test.go", "../bench/*/*/*_test.go", "../cmd/*/*_test.go"} {
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
	return code.String()
}

// namedTests wants the tests and stories that text names to exist, and
// returns how many it names.
func namedTests(t *testing.T, code, where, text string) int {
	n := 0
	for _, name := range testName.FindAllString(text, -1) {
		n++
		if !strings.Contains(code, "func "+name+"(") {
			t.Errorf("%s: there is no %s", where, name)
		}
	}
	for _, m := range storyList.FindAllStringSubmatch(text, -1) {
		for _, name := range storyName.FindAllString(m[1], -1) {
			n++
			if _, err := os.Stat("story/testdata/" + name + ".txtar"); err != nil {
				t.Errorf("%s: there is no story %s", where, name)
			}
		}
	}
	return n
}

// Every row of the page of faults names tests that exist.
func TestTheTestsThatThePageOfFaultsNamesExist(t *testing.T) {
	page, err := os.ReadFile("../docs/reference/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	code := testCode(t)
	for number, line := range strings.Split(string(page), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Fault |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		where := fmt.Sprintf("faults.md:%d", number+1)
		if namedTests(t, code, where, cells[len(cells)-1]) == 0 {
			t.Errorf("%s names no test", where)
		}
	}
}

// Every promise says how it is kept and names tests that exist; every command
// that the page names exists too.
func TestWhatWePromiseIsTested(t *testing.T) {
	page, err := os.ReadFile("../docs/explanation/what-we-promise.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	code, promises, open := testCode(t), 0, false
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		n := namedTests(t, code, title, text)
		kept := strings.Contains(text, "- **Kept:**")
		switch {
		case kept && (n == 0 || !strings.Contains(text, "- **Tested")):
			t.Errorf("%s: names no test", title)
		case kept:
			promises++
		case title == "What is not promised":
			open = true
		case title != "The last runs":
			t.Errorf("%s: does not say how it is kept", title)
		}
		for _, m := range regexp.MustCompile("`make ([a-z0-9-]+)`").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(string(makefile), "\n"+m[1]+": ") {
				t.Errorf("%s: there is no make %s", title, m[1])
			}
		}
	}
	if promises < 10 || !open {
		t.Errorf("%d promises; says what is not promised: %v", promises, open)
	}
}
