"""Drafts by RetrieveAndGenerate, over the chunks that our own retrieval found. Bedrock reports no tokens of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from datasources.config import LanguageSettings
from datasources.language.bedrock.bounds import bound_completion, bound_draft, cut_blocks, max_characters
from datasources.language.bedrock.converse import remove_refusal
from datasources.language.bedrock.knowledge_base import vector_search
from datasources.language.bedrock.prompts import KNOWLEDGE_BASE_TEMPLATE
from datasources.language.bedrock.requests import parse_profiles
from datasources.language.bedrock.sentences import TextBlock, remove_control_characters, split_sentences
from datasources.language.bedrock.usage import estimate_tokens, estimate_usage
from datasources.language.port import Call, Completion, Draft, LanguageError, LanguageFailure, PromptSource, StopReason

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RetrieveAndGenerateInput.html
MAX_QUESTION_LENGTH = 1_000


def build_knowledge_base_request(
    settings: LanguageSettings, question: str, sources: Sequence[PromptSource], call: Call
) -> dict[str, Any]:
    """Return the arguments of RetrieveAndGenerate. Raises LanguageError with the code QuestionTooLong.

    The filter names the chunks of the sources, which the caller may see: Bedrock retrieves no other. The operation has
    no metadata of a request, so Bedrock's logs do not identify the caller.
    """
    if len(question) > MAX_QUESTION_LENGTH:
        raise LanguageError(LanguageFailure.REFUSED, "QuestionTooLong")
    generation: dict[str, Any] = {
        "promptTemplate": {"textPromptTemplate": KNOWLEDGE_BASE_TEMPLATE},
        "inferenceConfig": {"textInferenceConfig": {"maxTokens": call.max_tokens}},
    }
    if settings.guardrail is not None:
        identifier, _, version = settings.guardrail.partition(":")
        generation["guardrailConfiguration"] = {"guardrailId": identifier, "guardrailVersion": version}
    chunks = {"in": {"key": "chunk_id", "value": [source.id for source in sources]}}
    configuration = {
        "knowledgeBaseId": settings.knowledge_base,
        "modelArn": parse_profiles(settings.profiles).get(call.model, call.model),
        "retrievalConfiguration": vector_search(len(sources), chunks),
        "generationConfiguration": generation,
    }
    return {
        "input": {"text": question},
        "retrieveAndGenerateConfiguration": {
            "type": "KNOWLEDGE_BASE",
            "knowledgeBaseConfiguration": configuration,
        },
    }


def read_knowledge_base_draft(
    reply: Mapping[str, Any],
    request: Mapping[str, Any],
    sources: Sequence[PromptSource],
    seconds: float,
    max_tokens: int,
) -> Draft:
    """Return the draft in a reply of at most so many tokens, with an estimated usage."""
    limit = max_characters(max_tokens)
    text = remove_control_characters(reply["output"]["text"][: limit + 1])
    blocked = reply.get("guardrailAction") == "INTERVENED"
    usage = estimate_usage([request, [(each.heading, each.text) for each in sources]], estimate_tokens(len(text)))
    completion = Completion(
        StopReason.GUARDRAIL if blocked else StopReason.END,
        usage,
        seconds,
        provider_request_id=str(reply["ResponseMetadata"].get("RequestId", "")),
    )
    blocks, is_cut = cut_blocks(_blocks(text, reply, sources, max_tokens), max_tokens)
    sentences = remove_refusal(split_sentences(blocks))
    return bound_draft(sentences, bound_completion(completion, is_cut=is_cut))


def _blocks(text: str, reply: Mapping[str, Any], sources: Sequence[PromptSource], max_tokens: int) -> list[TextBlock]:
    """Return the parts of the text that have citations, in order, and the parts between them.

    A part has a token at least, so there are at most as many.
    """
    numbers = {source.id: source.number for source in sources}
    blocks, end = [], 0
    for citation in reply.get("citations", ())[:max_tokens]:
        part = citation.get("generatedResponsePart", {}).get("textResponsePart", {}).get("text", "")
        part = remove_control_characters(part[: len(text) + 1])
        start = text.find(part, end)
        if not part or start < 0:
            continue
        chunks = [each.get("metadata", {}).get("chunk_id") for each in citation.get("retrievedReferences", ())]
        blocks.append(TextBlock(text[end:start]))
        blocks.append(TextBlock(part, [numbers[chunk] for chunk in chunks if chunk in numbers]))
        end = start + len(part)
    return [*blocks, TextBlock(text[end:])]
