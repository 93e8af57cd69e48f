package secret

import "postern.dev/postern/internal/detect"

// modelRules are those of services for language models.
func modelRules() []rule {
	return []rule{
		{id: "openai", kind: Token, name: "OpenAI key", from: "platform.openai.com/docs",
			prefix: "sk- sk-proj- sk-svcacct- sk-admin-", body: base64url, min: 40, max: 330, check: openAI},
		{id: "anthropic", kind: Token, name: "Anthropic key", from: "docs.anthropic.com",
			prefix: "sk-ant-api03- sk-ant-admin01- sk-ant-oat01- sk-ant-ort01-", body: base64url, min: 60, max: 140,
			loose: true},
		{id: "openrouter", kind: Token, name: "OpenRouter key", from: "openrouter.ai/docs", prefix: "sk-or-v1-",
			body: hexLow, min: 64, max: 64, loose: true},
		{id: "deepseek", kind: Token, name: "Key of the form sk-…", from: "api-docs.deepseek.com", prefix: "sk-",
			body: hexLow, min: 32, max: 32, level: detect.Medium},
		{id: "langfuse", kind: Token, name: "Langfuse secret key", from: "langfuse.com/docs", prefix: "sk-lf-",
			body: hexLow | dash, min: 36, max: 36, loose: true},
		{id: "langsmith", kind: Token, name: "LangSmith key", from: "docs.smith.langchain.com",
			prefix: "lsv2_pt_ lsv2_sk_", body: hexLow | under, min: 43, max: 43, loose: true},
		{id: "groq", kind: Token, name: "Groq key", from: "console.groq.com/docs", prefix: "gsk_", body: alnum,
			min: 52, max: 52},
		{id: "xai", kind: Token, name: "xAI key", from: "docs.x.ai", prefix: "xai-", body: base64url, min: 80,
			max: 80},
		{id: "huggingface", kind: Token, name: "Hugging Face token", from: "huggingface.co/docs",
			prefix: "hf_ api_org_", body: alnum, min: 34, max: 34, check: mixed},
		{id: "perplexity", kind: Token, name: "Perplexity key", from: "docs.perplexity.ai", prefix: "pplx-",
			body: alnum, min: 40, max: 64},
		{id: "tavily", kind: Token, name: "Tavily key", from: "docs.tavily.com", prefix: "tvly- tvly-dev- tvly-prod-",
			body: base64url, min: 32, max: 44},
		{id: "replicate", kind: Token, name: "Replicate token", from: "replicate.com/docs", prefix: "r8_",
			body: alnum, min: 37, max: 37},
		{id: "together", kind: Token, name: "Together AI key", from: "docs.together.ai", prefix: "tgp_v1_",
			body: base64url, min: 43, max: 43, loose: true},
		{id: "nvidia", kind: Token, name: "NVIDIA key", from: "docs.api.nvidia.com", prefix: "nvapi-",
			body: base64url, min: 64, max: 64, loose: true},
		{id: "pinecone", kind: Token, name: "Pinecone key", from: "docs.pinecone.io", prefix: "pcsk_", body: wordSet,
			min: 60, max: 80},
		{id: "elevenlabs", kind: Token, name: "ElevenLabs key", from: "elevenlabs.io/docs", prefix: "sk_",
			body: hexLow, min: 48, max: 48},
		{id: "fireworks", kind: Token, name: "Fireworks key", from: "docs.fireworks.ai", prefix: "fw_", body: alnum,
			min: 22, max: 28, check: mixed},
		{id: "cerebras", kind: Token, name: "Cerebras key", from: "inference-docs.cerebras.ai", prefix: "csk-",
			body: lowNum, min: 48, max: 48},
	}
}
