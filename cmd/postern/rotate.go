package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
)

func (p *program) rotateVerb() *cobra.Command {
	var promote, finish bool
	var file string
	cmd := p.verb("rotate ID secret|mark|cert", "Change a tenant's secret, mark or certificate without losing mail, step by step",
		takes(2, 2, "a tenant and what to change"), nil)
	cmd.Long = "1. rotate ID secret adds a next value beside the current one; both are valid.\n" +
		"2. rotate ID secret --promote, after Exchange knows the next value, makes it the current one.\n" +
		"3. rotate ID secret --finish, when no mail carries the old one any more, forgets it.\n" +
		"Each step edits the tenant's file and says what to do in Exchange before the next one. So for a mark.\n\n" +
		"rotate ID cert makes a new key and a request beside return.client_cert; rotate ID cert --file FILE takes the\n" +
		"certificate made of it, or another one with its key, when its names fit. The former one stays as .old."
	cmd.Flags().BoolVar(&promote, "promote", false, "make the next value the current one")
	cmd.Flags().BoolVar(&finish, "finish", false, "forget the old value")
	cmd.Flags().StringVar(&file, "file", "", "the new certificate, in PEM (cert)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, kind := args[0], args[1]
		kinds := []string{"secret", "mark", "cert"}
		switch {
		case !slices.Contains(kinds, kind):
			return wrong("postern tenant rotate changes a secret, a mark or a cert, not %q%s", kind, meant(kind, kinds))
		case kind == "cert" && (promote || finish):
			return wrong("--promote and --finish are steps of a secret or a mark; a certificate is taken with --file")
		case kind != "cert" && file != "":
			return wrong("--file is for a cert; a %s is made here", kind)
		}
		c, err := p.load()
		if err != nil {
			return err
		}
		f, err := app.LocateTenant(cmd.Context(), c, p.config, id)
		if err != nil {
			return err
		}
		if kind == "cert" {
			return p.renew(f, file)
		}
		r := rotation{file: f, kind: kind, values: f.Config.Secret}
		if kind == "mark" {
			r.values = f.Config.Mark
		}
		step := "add"
		switch {
		case promote && finish:
			return wrong("--promote and --finish are two steps, with some time between them")
		case promote:
			step, err = "promote", r.promote()
		case finish:
			step, err = "finish", r.finish()
		default:
			err = r.add()
		}
		if err != nil {
			return err
		}
		if p.json {
			return p.document(map[string]any{"tenant": id, "kind": kind, "step": step, "file": f.Path, "values": r.values})
		}
		p.say("%s\n\n%s", f.Path+" was changed.", r.explain(step, p.config))
		return nil
	}
	return p.withConfig(cmd)
}

// renew exchanges a tenant's certificate.
func (p *program) renew(f app.TenantFile, file string) error {
	r, err := newRenewal(f, p.config, time.Now())
	if err != nil {
		return err
	}
	var what renewed
	if file == "" {
		what, err = r.request()
	} else {
		what, err = r.install(file)
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.document(what)
	}
	p.say("%s", what.said)
	return nil
}

// rotation changes the list of values in a tenant's file: the current one
// first, the other one behind.
type rotation struct {
	file   app.TenantFile
	kind   string
	values []string
}

// add makes a next value.
func (r *rotation) add() error {
	if len(r.values) != 1 {
		return wrong("%s: %s has %d values already: a rotation is under way; go on with --promote or --finish", r.file.Path, r.kind, len(r.values))
	}
	name := r.nextName()
	path := filepath.Join(filepath.Dir(r.file.Path), name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(freshSecret() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := r.write([]string{r.values[0], "file:./" + name}); err != nil {
		_ = os.Remove(path)
		return err
	}
	return nil
}

// nextName is the first free name "contoso.secret-2".
func (r *rotation) nextName() string {
	for n := 2; ; n++ {
		name := fmt.Sprintf("%s.%s-%d", r.file.Config.ID, r.kind, n)
		if _, err := os.Stat(filepath.Join(filepath.Dir(r.file.Path), name)); errors.Is(err, os.ErrNotExist) && r.generation() < n {
			return name
		}
	}
}

// generation is the highest number in the names of the values.
func (r *rotation) generation() int {
	highest := 0
	for _, v := range r.values {
		highest = max(highest, number(v))
	}
	return highest
}

// number is the n of "file:./contoso.secret-n", 1 for the first value.
func number(value string) int {
	if i := strings.LastIndexByte(value, '-'); i >= 0 {
		if n, err := strconv.Atoi(value[i+1:]); err == nil {
			return n
		}
	}
	return 1
}

// promote swaps the values.
func (r *rotation) promote() error {
	switch {
	case len(r.values) != 2:
		return wrong("%s: %s has no next value; begin with: postern tenant rotate %s %s", r.file.Path, r.kind, r.file.Config.ID, r.kind)
	case number(r.values[0]) > number(r.values[1]):
		return wrong("%s: the next %s was promoted already; go on with --finish", r.file.Path, r.kind)
	}
	return r.write([]string{r.values[1], r.values[0]})
}

// finish forgets the value behind.
func (r *rotation) finish() error {
	switch {
	case len(r.values) != 2:
		return wrong("%s: %s has one value; there is nothing to finish", r.file.Path, r.kind)
	case number(r.values[0]) < number(r.values[1]):
		return wrong("%s: the next %s is not the current one yet; --promote comes first", r.file.Path, r.kind)
	}
	old := r.values[1]
	if err := r.write(r.values[:1]); err != nil {
		return err
	}
	if name, isFile := strings.CutPrefix(old, "file:./"); isFile && !strings.Contains(name, "/") {
		return os.Remove(filepath.Join(filepath.Dir(r.file.Path), name))
	}
	return nil
}

// write puts a list of values into the file and leaves everything else as it
// is written.
func (r *rotation) write(values []string) error {
	text, ok := replaceList(r.file.Text, r.file.Line, r.kind, values)
	if !ok {
		return wrong("%s: the key %s is written in a form that this verb does not know; write it yourself: %s: [%s]",
			r.file.Path, r.kind, r.kind, strings.Join(values, ", "))
	}
	temp := filepath.Join(filepath.Dir(r.file.Path), "."+filepath.Base(r.file.Path))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if _, err := app.FilesInForce([]string{temp}); err != nil {
		_ = os.Remove(temp)
		return err
	}
	r.values = values
	return os.Rename(temp, r.file.Path)
}

var (
	flowList  = regexp.MustCompile(`^(\w+):\s*(?:\[[^\]\n]*\]|[^\s#\[{&*|>-][^\s#]*)(\s*(?:#.*)?)$`)
	blockHead = regexp.MustCompile(`^(\w+):(\s*(?:#.*)?)$`)
	blockItem = regexp.MustCompile(`^\s*-\s`)
)

// replaceList replaces the value of a key of the document that begins at a
// line. It knows lists in brackets, lists with dashes and single values.
func replaceList(text string, from int, key string, values []string) (string, bool) {
	lines := strings.Split(text, "\n")
	fresh := key + ": [" + strings.Join(values, ", ") + "]"
	for i := max(0, from-1); i < len(lines); i++ {
		if i >= from && strings.HasPrefix(lines[i], "---") {
			return "", false
		}
		if m := flowList.FindStringSubmatch(lines[i]); m != nil && m[1] == key {
			lines[i] = fresh + m[2]
			return strings.Join(lines, "\n"), true
		}
		if m := blockHead.FindStringSubmatch(lines[i]); m != nil && m[1] == key {
			end := i + 1
			for end < len(lines) && blockItem.MatchString(lines[end]) {
				end++
			}
			if end == i+1 {
				return "", false
			}
			lines[i] = fresh + m[2]
			return strings.Join(append(lines[:i+1], lines[end:]...), "\n"), true
		}
	}
	return "", false
}

// explain says what to do now, in the order in which no mail is lost.
func (r *rotation) explain(step, config string) string {
	dir := filepath.Dir(r.file.Path)
	apply := fmt.Sprintf("postern apply -c %s %s", config, r.file.Path)
	again := fmt.Sprintf("postern tenant rotate -c %s %s %s", config, r.file.Config.ID, r.kind)
	next := "the next value"
	if name, ok := strings.CutPrefix(r.values[len(r.values)-1], "file:./"); ok {
		next = "the content of " + filepath.Join(dir, name)
	}
	texts := map[string]string{
		"secret add": "1. {apply}\n   The gateway now takes mail with either secret.\n" +
			"2. In Exchange, in every rule that routes to us, set the header's value to {next} in the place of the old secret.\n" +
			"3. Wait 30 minutes, until Exchange uses the rules, then: {again} --promote",
		"secret promote": "1. {apply}\n   The new secret is the current one; the old one is still valid.\n" +
			"2. Wait 24 hours: mail that waits in Exchange's queues carries the old one. Then: {again} --finish",
		"secret finish": "{apply}\nThe old secret is not valid any more.",
		"mark add": "1. {apply}\n   The gateway still returns mail with the old mark, and knows both.\n" +
			"2. In Exchange, add {next} to the exceptions of every rule that routes to us, and to the rule that removes the mark.\n" +
			"   Keep the old one: without it returned mail would come back to us.\n" +
			"3. Wait 30 minutes, until Exchange uses the rules, then: {again} --promote",
		"mark promote": "1. {apply}\n   The gateway now returns mail with the new mark, and still knows the old one.\n" +
			"2. Wait 24 hours: mail that was returned with the old one may still be under way. Then: {again} --finish",
		"mark finish": "1. {apply}\n   The old mark is not ours any more.\n" +
			"2. In Exchange, remove the old value from the exceptions and from the rule that removes the mark.",
	}
	return strings.NewReplacer("{apply}", apply, "{again}", again, "{next}", next).Replace(texts[r.kind+" "+step])
}
