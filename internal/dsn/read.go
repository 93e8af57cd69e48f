package dsn

import (
	"bufio"
	"io"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Status is a delivery-status part that was read.
type Status struct {
	// Message holds the fields of the first block, keys in lower case.
	Message map[string]string
	// Recipients hold those of the others, in their order.
	Recipients []map[string]string
}

// maxStatus is how much of a delivery-status part is read.
const maxStatus = 1 << 20

// Read finds and reads the delivery-status part of a message; ok is false
// when there is none.
func Read(m *mail.Message) (s Status, ok bool) {
	for _, p := range m.Parts() {
		if p.Type == "message/delivery-status" || p.Type == "message/global-delivery-status" {
			return ReadStatus(io.LimitReader(p.Open(), maxStatus)), true
		}
	}
	return Status{}, false
}

// ReadStatus reads the blocks of a delivery-status part (RFC 3464 §2.1). It
// never fails; lines that are no fields are left out.
func ReadStatus(r io.Reader) Status {
	var blocks []map[string]string
	block, last := map[string]string{}, ""
	flush := func() {
		if len(block) > 0 {
			blocks = append(blocks, block)
		}
		block, last = map[string]string{}, ""
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxStatus)
	for lines.Scan() {
		line := strings.ReplaceAll(strings.TrimRight(lines.Text(), "\r"), "\r", " ")
		switch name, value, field := strings.Cut(line, ":"); {
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				block[last] += " " + strings.TrimSpace(line)
			}
		case field:
			if last = fieldName(name); last == "" {
				break
			}
			if _, twice := block[last]; !twice {
				block[last] = strings.TrimSpace(value)
			}
		}
	}
	flush()
	if len(blocks) == 0 {
		return Status{Message: map[string]string{}}
	}
	return Status{Message: blocks[0], Recipients: blocks[1:]}
}

// fieldName is a field's name in lower case; "" for what is none (RFC 5322
// §2.2: printable ASCII).
func fieldName(s string) string {
	s = strings.TrimSpace(s)
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return strings.ToLower(s)
}

// AddressOf is the address of a block, without its type; "" when absent.
func AddressOf(block map[string]string) mail.Address {
	_, addr, ok := strings.Cut(block["final-recipient"], ";")
	if !ok {
		return ""
	}
	return mail.Address(strings.TrimSpace(addr))
}
