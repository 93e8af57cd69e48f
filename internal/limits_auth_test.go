package house_test

func authLimits() []limit {
	return []limit{
		{"Octets of a header", "senderauth.maxHead", "`permerror`; nothing is signed or sealed", "TestAHeaderIsReadFieldByField"},
		{"DKIM signatures of a message", "senderauth.maxSignatures", "those further down are not verified", "TestOnlyTheFirstSignaturesAreVerified"},
		{"Forms in which a body is hashed", "senderauth.maxForms", "`permerror` for the signature", "TestOnlyTheFirstSignaturesAreVerified"},
		{"Sets of an ARC chain (RFC 8617)", "senderauth.maxSets", "the chain fails; no set is added", "TestAChainEndsAtFiftySets"},
		{"Octets of an ARC chain", "senderauth.maxChain", "the chain fails", "TestAHostileChainCostsLittle"},
		{"Keys that are asked for on behalf of a message", "senderauth.maxKeys", "`permerror`; a chain of more signers fails", "TestAMessageAsksForFewKeys"},
		{"Octets of a key record", "senderauth.maxKeyRecord", "`permerror`", "TestAKeyRecordHasLimits"},
		{"Bits of an RSA key", "senderauth.maxKeyBits", "`permerror`; with less than 1024, too; we sign with 2048 or more", "TestAKeyRecordHasLimits TestOnlyGoodKeysSeal"},
		{"Tags of a signature", "senderauth.maxTags", "`permerror`, or the chain fails", "TestASignatureHasLimits"},
		{"Octets of a signature field", "senderauth.maxTagList", "`permerror`, or the chain fails", "TestASignatureHasLimits"},
		{"Fields that a signature names", "senderauth.maxSigned", "`permerror`, or the chain fails", "TestASignatureHasLimits"},
		{"Octets of a signature itself", "senderauth.maxSignature", "`permerror`, or the chain fails", "TestASignatureHasLimits"},
		{"Latest time in a signature (the year 9999)", "senderauth.maxSeconds", "it is taken as this one", "TestTheAgeOfASignatureIsNoAttack"},
		{"Octets of an Authentication-Results field", "senderauth.maxResultText", "nothing of it counts", "TestResultsAreRead"},
		{"Results in it", "senderauth.maxResults", "nothing of it counts", "TestResultsAreRead"},
		{"Comments in it, inside each other", "senderauth.maxComments", "nothing of it counts", "TestResultsAreRead"},
		{"Properties of a result", "senderauth.maxProperties", "the others are not read", "TestAResultHasLimits"},
	}
}
