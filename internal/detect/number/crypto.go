package number

import "crypto/sha256"

// crypto are the addresses of block chains. Their letters keep their case: the
// compact form is the address as it stands.
var crypto = []kind{
	// Bitcoin: base58check with version 0, 5, 111 or 196, or the forms of BIP 173 and BIP 350.
	{name: "CRYPTO", check: bitcoin, exact: func(s string) bool { return asWritten(s, bitcoin) }},
	// Ethereum: forty hexadecimal digits; small and capital letters together are the checksum of EIP-55.
	{name: "CRYPTO_ETH", check: ethereum, exact: func(s string) bool { return asWritten(s, ethereum) }},
}

// never is the rule of kinds that have no compact form.
func never([]byte) bool { return false }

// asWritten gives the octets of s to check, without a copy on the heap.
func asWritten(s string, check func([]byte) bool) bool {
	var room [longest]byte
	return check(room[:copy(room[:], s)])
}

func bitcoin(s []byte) bool {
	if len(s) > 90 {
		return false
	}
	return base58check(s) || segwit(s)
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58check reads 25 octets: a version, a hash of 20 and a checksum of 4.
func base58check(s []byte) bool {
	if len(s) < 26 || len(s) > 35 {
		return false
	}
	var octets [25]byte
	for i := 0; i < len(s); i++ {
		carry := place(s[i], base58)
		if carry < 0 {
			return false
		}
		for k := len(octets) - 1; k >= 0; k-- {
			carry += int(octets[k]) * 58
			octets[k] = byte(carry)
			carry >>= 8
		}
		if carry != 0 {
			return false
		}
	}
	ones := 0
	for ones < len(s) && s[ones] == '1' {
		ones++
	}
	zeros := 0
	for zeros < len(octets) && octets[zeros] == 0 {
		zeros++
	}
	switch octets[0] {
	case 0, 5, 111, 196:
	default:
		return false
	}
	first := sha256.Sum256(octets[:21])
	second := sha256.Sum256(first[:])
	return ones == zeros && string(second[:4]) == string(octets[21:])
}

const bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// segwit reads a human part, "1", a version, a program and six characters of
// checksum. A version behind 0 has the newer checksum; the older one of BIP
// 173 is still seen in examples.
func segwit(s []byte) bool {
	if len(s) < 14 || s[2] != '1' {
		return false
	}
	var low, high bool
	for i := 0; i < len(s); i++ {
		low = low || 'a' <= s[i] && s[i] <= 'z'
		high = high || letter(s[i])
	}
	if low && high {
		return false
	}
	small := func(c byte) byte {
		if letter(c) {
			return c + 'a' - 'A'
		}
		return c
	}
	if a, b := small(s[0]), small(s[1]); (a != 'b' || b != 'c') && (a != 't' || b != 'b') {
		return false
	}
	check := uint32(1)
	step := func(v byte) {
		top := check >> 25
		check = check&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				check ^= g
			}
		}
	}
	step(small(s[0]) >> 5)
	step(small(s[1]) >> 5)
	step(0)
	step(small(s[0]) & 31)
	step(small(s[1]) & 31)
	version, last := 0, 0
	for i := 3; i < len(s); i++ {
		p := place(small(s[i]), bech32)
		if p < 0 {
			return false
		}
		if i == 3 {
			version = p
		}
		if i == len(s)-7 {
			last = p
		}
		step(byte(p))
	}
	return program(version, len(s)-3-1-6, last) && (check == 1 || version > 0 && check == 0x2bc830a3)
}

// program checks the length of a witness program in characters of five bits
// and that the bits left over are zero.
func program(version, characters, last int) bool {
	bits := characters * 5
	octets, left := bits/8, bits%8
	if left > 4 || last&(1<<left-1) != 0 {
		return false
	}
	if version == 0 {
		return octets == 20 || octets == 32
	}
	return version <= 16 && octets >= 2 && octets <= 40
}

func ethereum(s []byte) bool {
	if len(s) != 42 || s[0] != '0' || s[1] != 'x' {
		return false
	}
	var low [40]byte
	small, capital := false, false
	for i := range low {
		c := s[i+2]
		if letter(c) {
			capital = true
			c += 'a' - 'A'
		} else if !digit(c) {
			small = true
		}
		if !digit(c) && (c < 'a' || c > 'f') {
			return false
		}
		low[i] = c
	}
	if !small || !capital {
		return true
	}
	hash := keccak256(low[:])
	for i, c := range low {
		nibble := hash[i/2] >> (4 * (1 - i%2)) & 15
		if !digit(c) && letter(s[i+2]) != (nibble >= 8) {
			return false
		}
	}
	return true
}

// keccak256 is the hash of Keccak as it was before FIPS 202, for less than
// one block.
func keccak256(b []byte) (hash [32]byte) {
	var block [136]byte
	copy(block[:], b)
	block[len(b)] ^= 1
	block[135] ^= 0x80
	var state [25]uint64
	for i := 0; i < 17; i++ {
		for k := 7; k >= 0; k-- {
			state[i] = state[i]<<8 | uint64(block[i*8+k])
		}
	}
	keccak(&state)
	for i := range hash {
		hash[i] = byte(state[i/8] >> (8 * (i % 8)))
	}
	return hash
}

// keccak is the permutation Keccak-f[1600] of FIPS 202 §3.3.
func keccak(a *[25]uint64) {
	turn := func(v uint64, n int) uint64 { return v<<n | v>>(64-n) }
	feedback := byte(1) // the register of FIPS 202 §3.2.5
	for round := 0; round < 24; round++ {
		var c [5]uint64
		for x := range c {
			c[x] = a[x] ^ a[x+5] ^ a[x+10] ^ a[x+15] ^ a[x+20]
		}
		for x := range c {
			d := c[(x+4)%5] ^ turn(c[(x+1)%5], 1)
			for y := 0; y < 25; y += 5 {
				a[x+y] ^= d
			}
		}
		x, y, held := 1, 0, a[1]
		for t := 0; t < 24; t++ {
			x, y = y, (2*x+3*y)%5
			at := x + 5*y
			held, a[at] = a[at], turn(held, (t+1)*(t+2)/2%64)
		}
		for y := 0; y < 25; y += 5 {
			row := [5]uint64(a[y : y+5])
			for x := range row {
				a[x+y] = row[x] ^ ^row[(x+1)%5]&row[(x+2)%5]
			}
		}
		for j := 0; j < 7; j++ {
			if feedback&1 == 1 {
				a[0] ^= 1 << (1<<j - 1)
			}
			carry := feedback >> 7
			feedback = feedback<<1 ^ carry*0x71
		}
	}
}
