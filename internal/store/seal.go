package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Seal is a hash over the columns of a row that must not change unnoticed.
// Neither engine notices a bit that turns on the disk within a value. It is no
// protection from somebody who may write into the database.
func Seal(columns ...string) string {
	h := sha256.New()
	for _, c := range columns {
		fmt.Fprintf(h, "%d:%s", len(c), c)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
