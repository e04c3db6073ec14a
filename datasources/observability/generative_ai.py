"""Attributes of spans about language models, by OpenTelemetry's conventions for generative AI as of version 0.66b2.

These are still in development, so no package of constants is imported.
https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
MAX_TOKENS = "gen_ai.request.max_tokens"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_CREATION_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
DATA_SOURCE = "gen_ai.data_source.id"
ERROR = "error.type"

# Values of OPERATION and PROVIDER.
CHAT = "chat"
RETRIEVAL = "retrieval"
BEDROCK = "aws.bedrock"

# Attributes of Bedrock alone.
KNOWLEDGE_BASE = "aws.bedrock.knowledge_base.id"
GUARDRAIL = "aws.bedrock.guardrail.id"
