package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// BenchmarkUpdate is the throughput of durable inserts of 600 octets, and how
// many of them share a COMMIT.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			db := storetest.SQLite(b)
			table(b, db)
			row := make([]byte, 600)
			var next atomic.Int64
			before := db.Stats()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						id := fmt.Sprintf("%012d", n)
						err := db.Update(b.Context(), func(tx *store.Tx) error {
							_, err := tx.Exec("INSERT INTO item (id, b) VALUES (?, ?)", id, row)
							return err
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			after := db.Stats()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
			b.ReportMetric(float64(after.Members-before.Members)/float64(after.Groups-before.Groups), "members/commit")
		})
	}
}

// BenchmarkView is a point read.
func BenchmarkView(b *testing.B) {
	db := storetest.SQLite(b)
	table(b, db)
	if err := db.Update(b.Context(), insert("a")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		err := db.View(b.Context(), func(tx *store.Tx) error {
			return tx.QueryRow("SELECT n FROM item WHERE id = ?", "a").Scan(new(int))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
