package dlp

// The words are matched whole, without regard to case and accents. English
// words stand first; the other languages are those of most European mail.

func cardWords() []string {
	return []string{
		"card", "cards", "credit card", "debit card", "card number", "card no", "card nr", "cardnumber", "cc", "ccn",
		"creditcard", "debitcard", "pan", "cardholder", "card holder", "visa", "mastercard", "master card", "maestro",
		"amex", "american express", "diners", "diners club", "discover card", "jcb", "unionpay", "cvv", "cvc", "cvv2",
		"cvc2", "expiry date", "expiration date", "valid thru", "valid until", "payment card", "bank card", "card_number",
		"credit_card", "cc_number", "card-number", "creditcardnumber", "atm",
		"kreditkarte", "kreditkarten", "kreditkartennummer", "kartennummer", "karte", "bankkarte",
		"gültig bis", "prüfziffer",
		"carte", "carte bancaire", "carte de crédit", "carte bleue", "numéro de carte",
		"cryptogramme", "date d'expiration",
		"creditkaart", "creditcardnummer", "kaartnummer", "kaart", "bankpas", "betaalkaart", "vervaldatum",
		"tarjeta", "tarjeta de crédito", "tarjeta de débito", "número de tarjeta", "caducidad",
		"carta", "carta di credito", "numero di carta", "numero carta", "scadenza",
		"cartão", "cartão de crédito", "número do cartão", "validade",
		"karta", "karta kredytowa", "numer karty", "karty", "kreditkort", "kortnummer", "kortnumret", "betalkort",
		"luottokortti", "kortin numero", "kreditní karta", "platební karta", "číslo karty", "kártyaszám", "bankkártya",
		"hitelkártya", "πιστωτική κάρτα", "кредитная карта", "номер карты", "карта", "kredi kartı", "kart numarası",
		"クレジットカード", "カード番号", "信用卡", "卡号", "银行卡", "신용카드", "카드번호", "بطاقة ائتمان",
	}
}

func ibanWords() []string {
	return []string{
		"iban", "ibans", "bank account", "account number", "bic", "swift", "bank", "sort code", "beneficiary", "wire transfer",
		"kontonummer", "bankverbindung", "konto", "überweisung", "compte", "compte bancaire", "rib", "virement",
		"rekeningnummer", "bankrekening", "rekening", "cuenta", "cuenta bancaria", "transferencia", "conto", "conto corrente",
		"bonifico", "conta", "conta bancária", "numer konta", "rachunek", "přelew", "účet", "číslo účtu", "bankkonto",
		"tilinumero", "számlaszám", "hesap numarası",
	}
}

func ssnWords() []string {
	return []string{
		"ssn", "ssns", "ss#", "soc sec", "social security", "social security number", "social security no",
		"social security nos", "socialsecuritynumber", "social_security", "social_security_number", "ssn#", "ss number",
		"social-security", "tax id", "taxpayer", "taxpayer id", "tin", "ssid", "soc", "social", "us_ssn",
		"numéro de sécurité sociale", "seguro social", "número de seguro social", "sozialversicherungsnummer",
	}
}

func otherWords() []string {
	return []string{
		"order", "order no", "order number", "order id", "invoice", "invoice no", "tracking", "tracking number", "shipment",
		"part no", "part number", "serial", "serial number", "serial no", "s/n", "imei", "isbn", "ean", "gtin", "upc", "sku",
		"ticket",
		"case number", "reference", "ref", "transaction id", "session", "session id", "request id", "trace", "timestamp",
		"phone", "telephone", "tel", "fax", "mobile", "zip", "zip code", "version", "build", "checksum", "hash", "uuid", "guid",
		"bestellung", "bestellnummer", "rechnung", "rechnungsnummer", "sendungsnummer", "seriennummer", "artikelnummer", "telefon",
		"commande", "numéro de commande", "facture", "numéro de série", "téléphone",
		"bestelling", "bestelnummer", "factuur", "factuurnummer", "serienummer", "telefoon",
		"pedido", "factura", "teléfono", "ordine", "fattura", "telefono", "encomenda", "fatura", "telefone",
	}
}
