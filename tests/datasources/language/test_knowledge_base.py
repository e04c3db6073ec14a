"""Retrieval by a knowledge base of Bedrock, and drafts by RetrieveAndGenerate over it."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from datasources.config import Generation
from datasources.language.bedrock.client import BedrockClients
from datasources.language.bedrock.knowledge_base import BedrockKnowledgeBase, encode_metadata
from datasources.language.port import (
    DraftSentence,
    LanguageError,
    LanguageFailure,
    RetrievedPassage,
    StopReason,
    TaskKind,
)
from datasources.observability.spans import SERVER, record_call, use_exporter
from datasources.records.queries import Scope
from datasources.request import RequestContext
from tests.datasources.language.conftest import KNOWLEDGE_BASE, REGION, SETTINGS, Open
from tests.datasources.language.prompts import BACKUP, QUESTION, REPLICA, SOURCES, call, prompt
from tests.fixtures.bedrock import REQUEST_ID, Bedrock, Refusal
from tests.fixtures.bedrock_model import Model
from tests.fixtures.spans import Kept

GENERATING = replace(SETTINGS, knowledge_base=KNOWLEDGE_BASE, generation=Generation.RETRIEVE_AND_GENERATE)
ALL, NOBODY, STORAGE = Scope(True), Scope(False), Scope(False, ("security", "storage"))


def stored(chunk: str, text: str, team: str | None, score: float) -> dict[str, Any]:
    """A chunk as Retrieve returns it, with the metadata that its object has."""
    metadata = encode_metadata(
        document_id="doc-1", chunk_id=chunk, content_hash="ab", restricted_team=team, item_ids=["ci-1"]
    )
    return {
        "content": {"text": text, "type": "TEXT"},
        "location": {"type": "S3", "s3Location": {"uri": f"s3://documents/chunks/doc-1/{chunk}.md"}},
        "score": score,
        "metadata": orjson.loads(metadata)["metadataAttributes"],
    }


@pytest.fixture
async def knowledge_base(bedrock: Bedrock, model: Model) -> AsyncIterator[BedrockKnowledgeBase]:
    """Three chunks: an unrestricted one, and one of each of two teams."""
    model.objects += [
        stored("chunk-1", "Promote the replica. Wait.", None, 0.9),
        stored("chunk-2", "Rotate the keys. Wait.", "security", 0.8),
        stored("chunk-3", "Call the judge.", "legal", 0.7),
    ]
    opened = BedrockKnowledgeBase(BedrockClients(REGION), KNOWLEDGE_BASE)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("scope", "chunks"),
    [(ALL, ["chunk-1", "chunk-2", "chunk-3"]), (STORAGE, ["chunk-1", "chunk-2"]), (NOBODY, ["chunk-1"])],
    ids=["all", "teams", "no team"],
)
async def test_only_what_the_scope_sees_is_retrieved(
    knowledge_base: BedrockKnowledgeBase, scope: Scope, chunks: list[str]
) -> None:
    passages = await knowledge_base.retrieve(QUESTION, 10, scope, 5)
    assert [each.metadata["chunk_id"] for each in passages] == chunks


async def test_a_search_is_by_words_and_meaning_with_a_filter(
    knowledge_base: BedrockKnowledgeBase, bedrock: Bedrock
) -> None:
    condition = {"in": {"key": "document_id", "value": ["doc-1"]}}
    [passage] = await knowledge_base.retrieve(QUESTION, 1, STORAGE, 5, condition)
    assert passage == RetrievedPassage(
        "s3://documents/chunks/doc-1/chunk-1.md",
        "Promote the replica. Wait.",
        0.9,
        {
            "chunk_id": "chunk-1",
            "content_hash": "ab",
            "document_id": "doc-1",
            "item_ids": ["ci-1"],
            "restricted": False,
        },
    )
    permitted = {
        "orAll": [
            {"equals": {"key": "restricted", "value": False}},
            {"in": {"key": "restricted_team", "value": ["security", "storage"]}},
        ]
    }
    assert bedrock.received[0].parameters == {
        "knowledgeBaseId": KNOWLEDGE_BASE,
        "retrievalQuery": {"text": QUESTION},
        "retrievalConfiguration": {
            "vectorSearchConfiguration": {
                "numberOfResults": 1, "overrideSearchType": "HYBRID", "filter": {"andAll": [permitted, condition]},
            }
        },
    }  # fmt: skip


async def test_who_sees_all_needs_no_filter(knowledge_base: BedrockKnowledgeBase, bedrock: Bedrock) -> None:
    await knowledge_base.retrieve(QUESTION, 1_000, ALL, 5)
    search = {"numberOfResults": 100, "overrideSearchType": "HYBRID"}
    assert bedrock.received[0].parameters["retrievalConfiguration"] == {"vectorSearchConfiguration": search}


FOUND = {"retrievalResults": [{"content": {"text": "Wait."}}]}


async def test_a_store_that_cannot_search_by_words_searches_by_meaning(
    knowledge_base: BedrockKnowledgeBase, bedrock: Bedrock
) -> None:
    """S3 Vectors refuses HYBRID each time, so it is asked for it once."""
    bedrock.script("Retrieve", Refusal(400, "ValidationException"), FOUND)
    assert [each.text for each in await knowledge_base.retrieve(QUESTION, 10, ALL, 5)] == ["Wait."]
    assert [each.text for each in await knowledge_base.retrieve(QUESTION, 10, ALL, 5)] == ["Wait."]
    searches = [each.parameters["retrievalConfiguration"]["vectorSearchConfiguration"] for each in bedrock.received]
    assert [each.get("overrideSearchType") for each in searches] == ["HYBRID", None, None]


async def test_an_invalid_search_is_refused_and_words_are_asked_for_again(
    knowledge_base: BedrockKnowledgeBase, bedrock: Bedrock
) -> None:
    refusal = Refusal(400, "ValidationException")
    bedrock.script("Retrieve", refusal, refusal, FOUND)
    with pytest.raises(LanguageError, match="ValidationException"):
        await knowledge_base.retrieve(QUESTION, 5, ALL, 5)
    await knowledge_base.retrieve(QUESTION, 5, ALL, 5)
    searches = [each.parameters["retrievalConfiguration"]["vectorSearchConfiguration"] for each in bedrock.received]
    assert [each.get("overrideSearchType") for each in searches] == ["HYBRID", None, "HYBRID"]


def test_the_metadata_of_a_chunk() -> None:
    assert encode_metadata(
        document_id="d", chunk_id="c", content_hash="h", restricted_team="security", item_ids=[]
    ) == (
        b'{"metadataAttributes":{"chunk_id":"c","content_hash":"h","document_id":"d","restricted":true,'
        b'"restricted_team":"security"}}'
    )


@pytest.mark.parametrize(
    ("code", "status", "failure", "calls"),
    [
        ("ThrottlingException", 429, LanguageFailure.THROTTLED, 2),
        ("ModelNotReadyException", 424, LanguageFailure.UNAVAILABLE, 1),
        ("DependencyFailedException", 424, LanguageFailure.UNAVAILABLE, 1),
        ("BadGatewayException", 502, LanguageFailure.UNAVAILABLE, 2),
        ("ConflictException", 409, LanguageFailure.UNAVAILABLE, 1),
        ("ServiceQuotaExceededException", 400, LanguageFailure.QUOTA, 1),
        ("ResourceNotFoundException", 404, LanguageFailure.REFUSED, 1),
    ],
)
async def test_a_failed_search_has_its_failure(
    knowledge_base: BedrockKnowledgeBase, bedrock: Bedrock, code: str, status: int, failure: LanguageFailure, calls: int
) -> None:
    bedrock.script("Retrieve", Refusal(status, code))
    with pytest.raises(LanguageError) as raised:
        await knowledge_base.retrieve(QUESTION, 5, ALL, 5)
    assert (raised.value.failure, raised.value.code, len(bedrock.received)) == (failure, code, calls)


async def test_a_search_is_a_span_without_text(
    knowledge_base: BedrockKnowledgeBase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kept = Kept()
    with use_exporter(kept), record_call("ask", SERVER, RequestContext()):
        await knowledge_base.retrieve(QUESTION, 5, ALL, 5)
    [span] = kept.recordings[0].spans
    assert span.attributes == {
        "gen_ai.operation.name": "retrieval", "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.data_source.id": KNOWLEDGE_BASE, "aws.bedrock.knowledge_base.id": KNOWLEDGE_BASE,
    }  # fmt: skip
    assert [text for text in ("quicksilver", "replica") if text in caplog.text] == []


async def test_one_operation_retrieves_and_generates_from_the_chunks_of_the_prompt(
    knowledge_base: BedrockKnowledgeBase, bedrock: Bedrock, open_bedrock: Open
) -> None:
    sentences: list[DraftSentence] = []
    language = open_bedrock(replace(GENERATING, guardrail="abc:3"))
    draft = await language.draft(prompt(replace(REPLICA, number=7), BACKUP), call(), sentences.append)
    assert draft.sentences == (DraftSentence("Promote the replica.", (7,)), DraftSentence("Rotate the keys.", (2,)))
    assert sentences == list(draft.sentences)
    completion = draft.completion
    assert (completion.stop, completion.provider_request_id) == (StopReason.END, REQUEST_ID)
    # 37 characters.
    assert (completion.usage.estimated, completion.usage.output) == (True, 13)
    configuration = bedrock.received[0].parameters["retrieveAndGenerateConfiguration"]["knowledgeBaseConfiguration"]
    search = configuration["retrievalConfiguration"]["vectorSearchConfiguration"]
    assert search["filter"] == {"in": {"key": "chunk_id", "value": ["chunk-1", "chunk-2"]}}
    generation = configuration["generationConfiguration"]
    assert generation["inferenceConfig"] == {"textInferenceConfig": {"maxTokens": 300}}
    assert generation["guardrailConfiguration"] == {"guardrailId": "abc", "guardrailVersion": "3"}


async def test_text_without_citations_has_no_source(bedrock: Bedrock, open_bedrock: Open) -> None:
    text = {"output": {"text": "Hello. Promote the replica. Bye."}, "sessionId": "session-1"}
    part = {"textResponsePart": {"text": "Promote the replica."}}
    other = {"content": {"text": "x"}, "metadata": {"chunk_id": "chunk-9"}}
    citation = {"generatedResponsePart": part, "retrievedReferences": [other]}
    bedrock.script("RetrieveAndGenerate", text | {"citations": [citation]})
    draft = await open_bedrock(GENERATING).draft(prompt(*SOURCES), call())
    assert [(each.text, each.sources) for each in draft.sentences] == [
        ("Hello.", ()), ("Promote the replica.", ()), ("Bye.", ()),
    ]  # fmt: skip


async def test_a_guardrail_leaves_no_sentence(bedrock: Bedrock, open_bedrock: Open) -> None:
    reply = {"output": {"text": "Blocked."}, "sessionId": "session-1", "guardrailAction": "INTERVENED"}
    bedrock.script("RetrieveAndGenerate", reply)
    draft = await open_bedrock(GENERATING).draft(prompt(*SOURCES), call())
    assert (draft.completion.stop, draft.sentences) == (StopReason.GUARDRAIL, ())


@pytest.mark.parametrize(("length", "calls"), [(1_000, 1), (1_001, 0)])
async def test_a_question_has_a_thousand_characters(
    knowledge_base: BedrockKnowledgeBase, bedrock: Bedrock, open_bedrock: Open, length: int, calls: int
) -> None:
    language = open_bedrock(GENERATING)
    if calls:
        await language.draft(prompt(*SOURCES, question="?" * length), call())
    else:
        with pytest.raises(LanguageError) as raised:
            await language.draft(prompt(*SOURCES, question="?" * length), call())
        assert (raised.value.failure, raised.value.code) == (LanguageFailure.REFUSED, "QuestionTooLong")
    assert len(bedrock.received) == calls


async def test_summaries_and_choices_are_written_by_converse(bedrock: Bedrock, open_bedrock: Open) -> None:
    language = open_bedrock(GENERATING)
    await language.draft(prompt(*SOURCES, kind=TaskKind.SUMMARY), call())
    await language.choose(QUESTION, [], call())
    assert [each.operation for each in bedrock.received] == ["Converse", "Converse"]
