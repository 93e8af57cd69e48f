package audit

import (
	"context"
	"strings"

	"postern.dev/postern/internal/store"
)

// Search lists the records that q finds, newest first. What was erased is
// found by what stayed.
func (l *Log) Search(ctx context.Context, q Query) (list []Message, err error) {
	where, args := q.where()
	err = l.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = selectRecords(tx, where, args...)
		return err
	})
	return list, err
}

// where is q in SQL.
func (q Query) where() (string, []any) {
	c := conditions{}
	var to conditions // all of these hold for one recipient
	for _, t := range q.Terms {
		switch t.Key {
		case "":
			c.like("(m.words LIKE ? ESCAPE '!' OR m.id LIKE ? ESCAPE '!')", t.Value, t.Value)
		case "from":
			c.like("(m.sender LIKE ? ESCAPE '!' OR m.header_from LIKE ? ESCAPE '!')", t.Value, t.Value)
		case "subject":
			c.like("m.subject LIKE ? ESCAPE '!'", t.Value)
		case "message-id":
			c.like("m.message_id LIKE ? ESCAPE '!'", strings.Trim(t.Value, "<>"))
		case "detector":
			c.like("m.detectors LIKE ? ESCAPE '!'", " "+t.Value+" ")
		case "to":
			to.like("r.address LIKE ? ESCAPE '!'", t.Value)
		case "verdict", "delivery":
			to.add("r."+t.Key+" = ?", t.Value)
		case "id":
			c.add("m.id LIKE ? ESCAPE '!'", escape(t.Value)+"%")
		case "ref":
			c.add("m.ref = ?", t.Value)
		case "tenant", "kind", "direction", "way", "mode":
			c.add("LOWER(m."+t.Key+") = ?", t.Value)
		}
	}
	if len(to.list) > 0 {
		c.add("EXISTS (SELECT 1 FROM audit_recipient r WHERE r.message = m.id AND "+
			strings.Join(to.list, " AND ")+")", to.args...)
	}
	if !q.After.IsZero() {
		c.add("m.received >= ?", store.Nanos(q.After))
	}
	if !q.Before.IsZero() {
		c.add("m.received < ?", store.Nanos(q.Before))
	}
	if q.Behind.ID != "" {
		at := store.Nanos(q.Behind.Received)
		c.add("(m.received < ? OR m.received = ? AND m.id < ?)", at, at, q.Behind.ID)
	}
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	where := ""
	if len(c.list) > 0 {
		where = "WHERE " + strings.Join(c.list, " AND ")
	}
	return where + " ORDER BY m.received DESC, m.id DESC LIMIT ?", append(c.args, limit)
}

type conditions struct {
	list []string
	args []any
}

func (c *conditions) add(sql string, args ...any) {
	c.list = append(c.list, sql)
	c.args = append(c.args, args...)
}

// like adds a condition that finds parts, not patterns.
func (c *conditions) like(sql string, values ...string) {
	c.list = append(c.list, sql)
	for _, v := range values {
		c.args = append(c.args, "%"+escape(v)+"%")
	}
}

func escape(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}
