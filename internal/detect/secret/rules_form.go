package secret

import (
	"encoding/base64"

	"postern.dev/postern/internal/detect"
)

// formRules are those of tokens without a prefix that are known by their
// length and form alone.
func formRules() []rule {
	return []rule{
		{id: "twilio", kind: Twilio, name: "Twilio key", from: "www.twilio.com/docs", min: 34, max: 34,
			form: twilio},
		{id: "mailgun-key", kind: Token, name: "Mailgun signing key", from: "documentation.mailgun.com", min: 50,
			max: 50, form: mailgun},
		{id: "mailchimp", kind: Token, name: "Mailchimp key", from: "mailchimp.com/developer", min: 36, max: 37,
			form: mailchimp},
		{id: "newrelic-license", kind: Token, name: "New Relic license key", from: "docs.newrelic.com", min: 40,
			max: 40, form: newRelic},
		{id: "jira", kind: Token, name: "Jira or Confluence token", from: "confluence.atlassian.com", min: 44,
			max: 44, form: jira},
		{id: "discord", kind: Token, name: "Discord bot token", from: "discord.com/developers", min: 24, max: 28,
			form: discordID},
		{id: "wechat", kind: Token, name: "WeChat application id", from: "developers.weixin.qq.com", min: 18, max: 18,
			level: detect.Medium, form: wechat},
	}
}

func twilio(w []byte) bool {
	return (starts(w, "SK") || starts(w, "AC")) && run(w, 2, hexAny, 32) == 34 && shapeOf(w[2:]).random() && !anyRow(w[2:])
}

func mailgun(w []byte) bool {
	return run(w, 0, hexLow, 32) == 32 && w[32] == '-' && run(w, 33, hexLow, 8) == 41 && w[41] == '-' &&
		run(w, 42, hexLow, 8) == 50 && shapeOf(w).random()
}

func mailchimp(w []byte) bool {
	return run(w, 0, hexLow, 32) == 32 && starts(w[32:], "-us") && run(w, 35, digits, 2) == len(w) && shapeOf(w).random()
}

func newRelic(w []byte) bool {
	if !starts(w[36:], "NRAL") {
		return false
	}
	i := 0
	if starts(w, "eu01x") {
		i = 5
	}
	return run(w, i, hexLow, 36) == 36
}

// jira reads the id in front of the random octets, as base64 of
// "123456789012:".
func jira(w []byte) bool {
	if w[0] < 'M' || w[0] > 'O' {
		return false
	}
	var room [33]byte
	n, err := base64.StdEncoding.Decode(room[:], w)
	i := run(room[:n], 0, digits, 14)
	return err == nil && n == 33 && i >= 9 && room[i] == ':'
}

// discordID reads the first of three parts, the number of the bot.
func discordID(w []byte) bool {
	if w[0] < 'M' || w[0] > 'O' {
		return false
	}
	var room [24]byte
	n, _ := base64.RawStdEncoding.Decode(room[:], w[:min(len(w), 28)])
	return n >= 16 && run(room[:n], 0, digits, n) >= 16
}

func wechat(w []byte) bool {
	return starts(w, "wx") && run(w, 2, hexLow, 16) == 18 && shapeOf(w[2:]).random() && !anyRow(w[2:])
}
