package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// list is what members leave to the end of their group.
type list struct {
	said []string
	log  *[]string
	err  error
}

func (l *list) End(tx *store.Tx) error {
	*l.log = append(*l.log, strings.Join(l.said, " "))
	_, err := tx.Exec("UPDATE item SET n = n + 1")
	return errors.Join(l.err, err)
}

func TestWhatIsLeftToTheEndIsDoneOnceForAGroup(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		var log []string // of the writer
		say := func(tx *store.Tx, word string, err error) {
			l := tx.Ending("list", func(former store.Ending) store.Ending {
				mine := &list{log: &log}
				if f, ok := former.(*list); ok {
					mine.said = append(mine.said, f.said...)
				}
				return mine
			}).(*list)
			l.said, l.err = append(l.said, word), err
		}
		// The first member waits until the others are in the queue.
		together := func(members ...func(tx *store.Tx) error) (failed []error) {
			failed = make([]error, len(members))
			var all, begun sync.WaitGroup
			entered, rest := make(chan struct{}), make(chan struct{})
			all.Go(func() {
				failed[0] = db.Update(t.Context(), func(tx *store.Tx) error {
					close(entered)
					<-rest
					return members[0](tx)
				})
			})
			<-entered
			for i, m := range members[1:] {
				begun.Add(1)
				all.Go(func() {
					begun.Done()
					failed[i+1] = db.Update(t.Context(), m)
				})
			}
			begun.Wait()
			close(rest)
			all.Wait()
			return failed
		}
		groups := db.Stats().Groups
		failed := together(
			func(tx *store.Tx) error { say(tx, "a", nil); say(tx, "a", nil); return insert("a")(tx) },
			func(tx *store.Tx) error { say(tx, "bad", nil); return errors.New("it fails") },
		)
		if failed[0] != nil || failed[1] == nil || strings.Contains(fmt.Sprint(log), "bad") {
			t.Errorf("%v %q", failed, log)
		}
		if n := db.Stats().Groups - groups; log[0] != "a a" || n == 1 && len(log) != 1 {
			t.Errorf("%q in %d groups", log, n)
		}

		log = nil
		wrong := errors.New("the end fails")
		err := db.Update(t.Context(), func(tx *store.Tx) error { say(tx, "b", wrong); return insert("b")(tx) })
		if !errors.Is(err, wrong) {
			t.Error(err)
		}
		if err := db.Update(t.Context(), insert("b")); err != nil {
			t.Errorf("the group of before was not undone: %v", err)
		}
		if len(log) != 1 {
			t.Errorf("%q: a later group has nothing of it", log)
		}
	})
}
