"""Bounds of replies of Bedrock: characters, blocks and sentences, streamed or not, and what is passed on."""

from dataclasses import replace
from typing import Any

import pytest

from datasources.config import Generation
from datasources.language.bedrock.adapter import BedrockLanguage
from datasources.language.bedrock.bounds import MAX_CHARACTERS_A_TOKEN, cut_blocks
from datasources.language.bedrock.sentences import TextBlock
from datasources.language.port import MAX_SENTENCES, Draft, DraftSentence, StopReason, TokenUsage
from tests.datasources.language.conftest import KNOWLEDGE_BASE, SETTINGS, Open
from tests.datasources.language.prompts import SOURCES, call, prompt, tool
from tests.fixtures.bedrock import Bedrock
from tests.fixtures.bedrock_model import cited, reply, stream, tool_use

BOUND = call().max_tokens * MAX_CHARACTERS_A_TOKEN
# Sentences of 20 characters.
LINE = "Promote the replica\n"
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["converse", "stream"])


async def draft(
    bedrock: Bedrock, language: BedrockLanguage, streamed: bool, *content: Any
) -> tuple[Draft, list[DraftSentence]]:
    """The draft of a reply, and the sentences that were passed on."""
    bedrock.script("ConverseStream", stream(content))
    bedrock.script("Converse", reply(content))
    passed: list[DraftSentence] = []
    found = await language.draft(prompt(*SOURCES), call(), passed.append if streamed else None)
    return found, passed


@STREAMED
async def test_a_reply_within_the_bound_is_whole(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, streamed: bool
) -> None:
    found, passed = await draft(bedrock, bedrock_language, streamed, cited("a" * BOUND, 0))
    assert (found.completion.stop, [len(each.text) for each in found.sentences]) == (StopReason.END, [BOUND])
    assert found.completion.usage == TokenUsage(210, 30, 6, 4)
    assert passed == (list(found.sentences) if streamed else [])


@STREAMED
@pytest.mark.parametrize("characters", [BOUND + 1, 8_000_000])
async def test_a_longer_reply_ends_at_the_bound(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, characters: int, streamed: bool
) -> None:
    found, passed = await draft(bedrock, bedrock_language, streamed, cited("a" * characters, 0))
    assert (found.completion.stop, [len(each.text) for each in found.sentences]) == (StopReason.MAX_TOKENS, [BOUND])
    assert [each.sources for each in found.sentences] == [(1,)]
    assert passed == (list(found.sentences) if streamed else [])
    # A stream is closed before its last event, which has the usage.
    assert found.completion.usage.estimated is streamed


@STREAMED
async def test_many_small_blocks_end_at_the_tokens(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, streamed: bool
) -> None:
    blocks = [{"text": "a "} for _ in range(call().max_tokens + 1)]
    found, _ = await draft(bedrock, bedrock_language, streamed, *blocks)
    assert (found.completion.stop, [len(each.text) for each in found.sentences]) == (
        StopReason.MAX_TOKENS,
        [2 * call().max_tokens - 1],
    )


@STREAMED
@pytest.mark.parametrize(("lines", "stop"), [(MAX_SENTENCES, StopReason.END), (100, StopReason.MALFORMED)])
async def test_a_draft_has_a_number_of_sentences(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, lines: int, stop: StopReason, streamed: bool
) -> None:
    found, passed = await draft(bedrock, bedrock_language, streamed, cited(LINE * lines, 0), {"text": "\n"})
    assert (found.completion.stop, len(found.sentences)) == (stop, MAX_SENTENCES)
    assert passed == (list(found.sentences) if streamed else [])


@pytest.mark.parametrize(
    ("text", "stop", "sentences"),
    [("a" * BOUND, 1, 1), ("a" * (BOUND + 1), 2, 1), (LINE * 100, 3, MAX_SENTENCES)],
    ids=["whole", "long", "many"],
)
async def test_a_reply_of_a_knowledge_base_has_the_same_bounds(
    bedrock: Bedrock, open_bedrock: Open, text: str, stop: int, sentences: int
) -> None:
    settings = replace(SETTINGS, generation=Generation.RETRIEVE_AND_GENERATE, knowledge_base=KNOWLEDGE_BASE)
    bedrock.script("RetrieveAndGenerate", {"output": {"text": text}, "sessionId": "session-1", "citations": []})
    found = await open_bedrock(settings).draft(prompt(*SOURCES), call())
    assert found.completion.stop is [StopReason.END, StopReason.MAX_TOKENS, StopReason.MALFORMED][stop - 1]
    assert len(found.sentences) == sentences
    assert max(len(each.text) for each in found.sentences) <= BOUND


async def test_a_choice_has_the_same_bound(bedrock: Bedrock, bedrock_language: BedrockLanguage) -> None:
    for characters, name, stop in ((100, "owner", StopReason.END), (BOUND, None, StopReason.MAX_TOKENS)):
        bedrock.script("Converse", reply([tool_use("owner", {"key": "a" * characters})], "tool_use"))
        choice = await bedrock_language.choose("the owner of redis", [tool("owner", "key")], call())
        assert (choice.tool, choice.completion.stop) == (name, stop)


def test_blocks_are_cut_in_order() -> None:
    blocks = [TextBlock("a" * 20, [1]), TextBlock("b" * 20, [2]), TextBlock("c", [3])]
    kept, is_cut = cut_blocks(blocks, 2)
    assert [(each.text, each.sources) for each in kept] == [("a" * 20, [1]), ("b" * 8, [2])]
    assert is_cut
    assert cut_blocks(blocks, 3) == (blocks, False)
