package dlp

// otherWords speak of numbers that are nothing to protect, in the languages
// of most European mail. The words that speak for a detector stand in its
// pack.
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
