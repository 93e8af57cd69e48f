package number

import (
	"net/netip"
	"strings"
)

// devices are the numbers of telephones, computers, ships and containers.
var devices = []kind{
	// 3GPP TS 23.003 §6: 14 digits, with Luhn 15, with a software version 16.
	{name: "IMEI", check: func(b []byte) bool {
		return digits(b, 14, 16) && !same(b) || digits(b, 15) && luhn(b) && !same(b)
	}},
	// ITU-T E.212: mobile country code, network and subscriber.
	{name: "IMSI", check: func(b []byte) bool { return digits(b, 14, 15) && listed(b[:3], mobileCountries) }},
	// 3GPP2 S.R0048-A: 14 hexadecimal or 18 decimal digits, with or without a check digit.
	{name: "MEID", check: equipment},
	// IEEE 802: six or eight octets.
	{name: "MAC", check: func(b []byte) bool { return (len(b) == 12 || len(b) == 16) && every(b, hexadecimal) }, exact: hardware},
	// IETF STD 5 and STD 91 (addresses of IPv4 and IPv6).
	{name: "IP", check: never, exact: func(s string) bool {
		_, err := netip.ParseAddr(s)
		return err == nil
	}},
	// IMO resolution A.1117(30): ship identification, weights 7 to 2.
	{name: "IMO", lead: "IMO ", check: func(b []byte) bool {
		return digits(b, 7) && is(b[6], falling(b[:6], 7)%10)
	}},
	// ISO 6346: freight container, letters skip multiples of 11.
	{name: "ISO6346", check: container},
	// 49 CFR 565.15: vehicle identification, weights and values modulus 11 (North America).
	{name: "VIN", check: vehicle},
}

// mobileCountries are the mobile country codes of ITU-T E.212.
const mobileCountries = "001 202 204 206 208 212 213 214 216 218 219 220 221 222 225 226 228 230 231 232 234 235 238 240 242 244 " +
	"246 247 248 250 255 257 259 260 262 266 268 270 272 274 276 278 280 282 283 284 286 288 289 290 292 293 294 295 " +
	"297 302 308 310 311 312 313 314 315 316 330 332 334 338 340 342 344 346 348 350 352 354 356 358 360 362 363 364 " +
	"365 366 368 370 372 374 376 400 401 402 404 405 406 410 412 413 414 415 416 417 418 419 420 421 422 424 425 426 " +
	"427 428 429 430 431 432 434 436 437 438 440 441 450 452 454 455 456 457 460 461 466 467 470 472 502 505 510 514 " +
	"515 520 525 528 530 536 537 539 540 541 542 543 544 545 546 547 548 549 550 551 552 553 554 555 602 603 604 605 " +
	"606 607 608 609 610 611 612 613 614 615 616 617 618 619 620 621 622 623 624 625 626 627 628 629 630 631 632 633 " +
	"634 635 636 637 638 639 640 641 642 643 645 646 647 648 649 650 651 652 653 654 655 657 658 659 702 704 706 708 " +
	"710 712 714 716 722 724 730 732 734 736 738 740 742 744 746 748 750 901 902 991 995 "

func equipment(b []byte) bool {
	switch len(b) {
	case 14:
		return every(b, hexadecimal)
	case 15:
		if every(b, digit) {
			return luhn(b)
		}
		return every(b, hexadecimal) && luhn16(b)
	case 18, 19:
		if !every(b, digit) || value(b[:10]) > 0xffffffff || value(b[10:18]) > 0xffffff {
			return false
		}
		return len(b) == 18 || luhn(b)
	}
	return false
}

// luhn16 is Luhn's sum in hexadecimal digits.
func luhn16(b []byte) bool {
	sum, weight := 0, 1
	for i := len(b) - 1; i >= 0; i-- {
		n := place(b[i], alphabet36) * weight
		sum += n/16 + n%16
		weight = 3 - weight
	}
	return sum%16 == 0
}

// hardware wants one separator throughout: pairs with colons, hyphens or
// spaces, fours with full stops, or none.
func hardware(s string) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, "")
	if !ok {
		return false
	}
	step, sep := 0, byte(0)
	for i, c := range b {
		if !alphanumeric(c) {
			step, sep = i, c
			break
		}
	}
	if step == 0 {
		return (len(b) == 12 || len(b) == 16) && every(b, hexadecimal)
	}
	if !(step == 2 && strings.IndexByte(":- ", sep) >= 0 || step == 4 && sep == '.') {
		return false
	}
	n := 0
	for i, c := range b {
		if i%(step+1) == step {
			if c != sep {
				return false
			}
			continue
		}
		if !hexadecimal(c) {
			return false
		}
		n++
	}
	return (n == 12 || n == 16) && n%step == 0 && len(b) == n+n/step-1
}

func container(b []byte) bool {
	if !shaped(b, "AAAA9999999") || !oneOf(b[3], "UJZR") {
		return false
	}
	sum := 0
	for i, c := range b[:10] {
		n := place(c, alphabet36)
		if letter(c) { // A is 10, and 11, 22 and 33 are left out
			n += (n - 1) / 10
		}
		sum += n << i
	}
	return is(b[10], sum%11%10)
}

func vehicle(b []byte) bool {
	if len(b) != 17 || same(b) {
		return false
	}
	sum := 0
	for i, c := range b {
		n := int(c - '0')
		if letter(c) {
			if n = place(c, "ABCDEFGH.JKLMN.P.R..STUVWXYZ"); n < 0 {
				return false
			}
			n = [28]int{1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 0, 0, 2, 3, 4, 5, 6, 7, 8, 9}[n]
		} else if !digit(c) {
			return false
		}
		sum += n * [17]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}[i]
	}
	return b[8] == alphabet11[sum%11]
}
