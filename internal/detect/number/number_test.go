package number_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"postern.dev/postern/internal/detect/number"
)

// TestPublishedNumbers holds examples that authorities and standards print.
func TestPublishedNumbers(t *testing.T) {
	tests := []struct {
		name, kind, value string
		want              bool
	}{
		{"ISO 13616: the registry's British example", "IBAN", "GB29 NWBK 6016 1331 9268 19", true},
		{"a Belgian account whose own digits are wrong", "IBAN", "BE62 5100 0754 7062", false},
		{"a country without IBAN", "IBAN", "US29 NWBK 6016 1331 9268 19", false},
		{"ISO 6166: Apple", "ISIN", "US0378331005", true},
		{"ISO 17442: GLEIF", "LEI", "506700GE1G29325QX363", true},
		{"ISO 9362: SWIFT itself", "SWIFT_BIC", "SWHQBEBBXXX", true},
		{"ISBN of the ISO's own example", "ISBN", "978-0-306-40615-7", true},
		{"ISSN of the standard's example", "ISSN", "0378-5955", true},
		{"BIP 173: its first address", "CRYPTO", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", true},
		{"BIP 173: mixed case", "CRYPTO", "bc1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", false},
		{"EIP-55: mixed case is a checksum", "CRYPTO_ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", true},
		{"EIP-55: one letter in the other case", "CRYPTO_ETH", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", false},
		{"ICAO Doc 9303: a passport of Utopia has no country here", "PASSPORT_UTO", "L898902C3", false},
		{"CMS: the example of the new Medicare card", "US_MBI", "1EG4-TE5-MK73", true},
		{"CMS: S is no letter of it", "US_MBI", "1SG4-TE5-MK73", false},
		{"Social Security Administration: 666 is no area", "US_SSN", "666-12-3456", false},
		{"the number of Woolworth's wallets", "US_SSN", "078-05-1120", false},
		{"HMRC: the example is not given out", "UK_NINO", "QQ 12 34 56 C", false},
		{"HMRC: letters that are", "UK_NINO", "AB 12 34 56 C", true},
		{"DVLA: the driver of the leaflet", "UK_DRIVER_LICENCE", "MORGA657054SM9IJ", true},
		{"UIDAI: no number begins with 1", "IN_AADHAAR", "1234 5678 9012", false},
		{"the digits of other scripts are digits", "EG_TN", "١٠٠-١٣١-٧٧٨", true},
		{"dashes of typesetters are hyphens", "US_SSN", "536\u201190\u20114399", true},
		{"a value that is no number at all", "NL_BSN", "😴", false},
		{"nothing", "NL_BSN", "", false},
		{"a value without an end", "LUHN", fmt.Sprintf("%0500d", 0), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, known := number.Valid(tt.kind, tt.value); got != tt.want || !known && tt.want {
				t.Errorf("%s %q: %v (known %v)", tt.kind, tt.value, got, known)
			}
		})
	}
}

// shapes are how numbers with a check digit look: 9 a digit, A a letter.
// Numbers are made by trying until the rule accepts one.
func shapes() map[string]string {
	return map[string]string{
		"NL_BSN": "999999999", "BE_VAT": "0999999999", "DE_TAX_ID": "99999999999", "DE_VAT": "999999999", "AT_UID": "U99999999",
		"CH_SSN": "7569999999999", "CH_UID": "CHE999999999", "FR_SIREN": "999999999", "FR_NIF": "0999999999999", "ES_DNI": "99999999A",
		"ES_NIE": "X9999999A", "ES_CIF": "A99999999", "PT_NIF": "299999999", "IT_VAT": "99999990159", "GR_VAT": "999999999",
		"CY_VAT": "99999999A", "MT_VAT": "99999999", "FI_YTUNNUS": "99999999", "NO_ORGNR": "999999999", "SE_ORGNR": "5599999999",
		"DK_CVR": "99999999", "EE_KMKR": "999999999", "LV_PVN": "99999999999", "LT_PVM": "999999919", "PL_NIP": "9999999999",
		"PL_REGON": "999999999", "CZ_ICO": "99999999", "SK_DPH": "2929999999", "HU_ANUM": "99999999", "HU_TIN": "8999999999",
		"RO_CUI": "99999999", "BG_VAT": "999999999", "HR_OIB": "99999999999", "SI_DDV": "99999999", "RS_PIB": "999999999",
		"ME_PIB": "99999999", "MK_EDB": "4999999999999", "RU_INN": "9999999999", "UA_EDRPOU": "99999999", "BY_UNP": "199999999",
		"MD_IDNO": "1999999999999", "TR_TCKN": "19999999999", "TR_VKN": "9999999999", "UK_NHS": "9999999999", "UK_UTR": "9999999999",
		"IE_PPS": "9999999A", "BR_CPF": "99999999999", "BR_CNPJ": "99999999000199", "AR_CUIT": "20999999999", "CL_RUT": "99999999",
		"CO_NIT": "999999999", "PE_RUC": "20999999999", "UY_RUT": "219999990019", "VE_RIF": "V999999999", "EC_CI": "1719999999",
		"CA_SIN": "199999999", "US_NPI": "1999999999", "US_ABA_ROUTING": "029999999", "IN_AADHAAR": "299999999999",
		"SG_NRIC": "S9999999A", "HK_ID": "A9999999", "TW_ID": "A199999999", "JP_CN": "9999999999999", "JP_MY_NUMBER": "999999999999",
		"KR_BRN": "1299999999", "TH_PIN": "1999999999999", "VN_MST": "0199999999", "AU_ABN": "99999999999", "AU_ACN": "999999999",
		"AU_TFN": "999999999", "AU_MEDICARE": "2999999991", "NZ_IRD": "099999999", "IL_IDNR": "999999999", "SA_ID": "1999999999",
		"IR_ID": "9999999999", "IMEI": "359999999999999", "EAN": "9999999999999", "ISSN": "99999999", "IMO": "9999999",
		"ISO6346": "CSQU9999999", "LUHN": "9999999999", "VERHOEFF": "9999999999", "DAMM": "9999999999",
		"ISO7064_MOD_11_10": "9999999999", "ISO7064_MOD_97_10": "9999999999", "MX_CLABE": "032999999999999999",
		"AR_CBU": "2859999999999999999999", "ES_CCC": "99999999999999999999", "NO_KONTONR": "99999999999", "DE_LANR": "999999901",
	}
}

// TestAWrongDigitIsFoundOut makes numbers by their rule, changes one digit and
// wants nearly all of them refused.
func TestAWrongDigitIsFoundOut(t *testing.T) {
	list := shapes()
	for _, kind := range slices.Sorted(maps.Keys(list)) {
		shape, dice := list[kind], rand.New(rand.NewPCG(1, 2))
		check := number.Check(kind)
		if check == nil {
			t.Errorf("%s: no check", kind)
			continue
		}
		made, slipped, changed := 0, 0, 0
		for try := 0; try < 60000 && made < 40; try++ {
			b := make([]byte, 0, 32)
			for _, c := range []byte(shape) {
				switch c {
				case '9':
					c = '0' + byte(dice.IntN(10))
				case 'A':
					c = 'A' + byte(dice.IntN(26))
				}
				b = append(b, c)
			}
			if !check(b) {
				continue
			}
			made++
			for i, c := range []byte(shape) {
				if c != '9' {
					continue
				}
				was := b[i]
				b[i] = '0' + (was-'0'+byte(1+dice.IntN(9)))%10
				if changed++; check(b) {
					slipped++
				}
				b[i] = was
			}
		}
		if made == 0 {
			t.Errorf("%s: no number could be made", kind)
		} else if slipped*4 > changed {
			t.Errorf("%s: %d of %d wrong digits were not noticed", kind, slipped, changed)
		}
	}
}

func TestChecksDoNotAllocate(t *testing.T) {
	junk := [][]byte{[]byte(""), []byte("0"), []byte("A"), []byte("123456789"), []byte("GB29NWBK60161331926819"), []byte("999999999999999999999")}
	for _, kind := range number.Kinds() {
		check := number.Check(kind)
		if n := testing.AllocsPerRun(5, func() {
			for _, b := range junk {
				check(b)
			}
		}); n > 0 {
			t.Errorf("%s allocates", kind)
		}
	}
}

func FuzzValid(f *testing.F) {
	f.Add("IBAN", "GB29 NWBK 6016 1331 9268 19")
	f.Add("RO_ONRC", "J40/1234/2006")
	f.Add("GS1_128", "(01)09521234543213(17)261231(10)AB-1")
	kinds := number.Kinds()
	f.Fuzz(func(_ *testing.T, _, value string) {
		for _, kind := range kinds {
			number.Valid(kind, value)
			number.Check(kind)([]byte(value))
		}
	})
}
