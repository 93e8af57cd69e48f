package store

// Ending is work that is done once for a whole group: the last member to need
// it has brought it up to date.
type Ending interface {
	// End runs after the last member of the group, before the COMMIT. An error
	// undoes the group.
	End(tx *Tx) error
}

// endings are those of a group, or of one member.
type endings []struct {
	key    any
	ending Ending
}

func (list endings) find(key any) Ending {
	for _, e := range list {
		if e.key == key {
			return e.ending
		}
	}
	return nil
}

func (list endings) put(key any, ending Ending) endings {
	for i := range list {
		if list[i].key == key {
			list[i].ending = ending
			return list
		}
	}
	return append(list, struct {
		key    any
		ending Ending
	}{key, ending})
}

// Ending is the work under a key that tx leaves to the end of its group. When
// tx has none yet, make returns it; it gets that of the members before, or
// nil, and must not change it: should tx fail, that one stays as it was.
func (tx *Tx) Ending(key any, make func(former Ending) Ending) Ending {
	if mine := tx.endings.find(key); mine != nil {
		return mine
	}
	mine := make(tx.group.find(key))
	tx.endings = tx.endings.put(key, mine)
	return mine
}

// together are the endings of the group when tx belongs to it.
func (tx *Tx) together() endings {
	list := tx.group
	for _, e := range tx.endings {
		list = list.put(e.key, e.ending)
	}
	return list
}

// finish does what was left to the end.
func (tx *Tx) finish() error {
	for _, e := range tx.together() {
		if err := e.ending.End(tx); err != nil {
			return err
		}
	}
	return nil
}
