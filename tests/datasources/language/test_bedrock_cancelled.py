"""Calls of Bedrock that are cancelled or too slow: their threads serve the next calls at once."""

import asyncio
import time

import pytest

from datasources.language.bedrock.adapter import BedrockLanguage
from datasources.language.bedrock.client import MAX_CALLS
from datasources.language.port import LanguageError, LanguageFailure
from tests.datasources.language.prompts import SOURCES, call, prompt
from tests.fixtures.bedrock import Bedrock, Slow, Stream
from tests.fixtures.bedrock_model import cited, reply, stream

TEXTS = [cited("Promote the replica.", 0)]
STALL_SECONDS = 30
CALLS = 40


async def received(bedrock: Bedrock, number: int) -> None:
    """Wait until the double has so many requests."""
    while len(bedrock.received) < number:
        await asyncio.sleep(0.01)


def draft(language: BedrockLanguage, *, streamed: bool, seconds: float = STALL_SECONDS) -> asyncio.Task[object]:
    """A call that has begun."""
    progress = (lambda _: None) if streamed else None
    return asyncio.create_task(language.draft(prompt(*SOURCES), call(seconds), progress))


async def answer(language: BedrockLanguage, bedrock: Bedrock) -> float:
    """The seconds of a call that the double answers at once."""
    bedrock.script("Converse", reply(TEXTS))
    begin = time.monotonic()
    assert [each.text for each in (await language.draft(prompt(*SOURCES), call())).sentences] == [
        "Promote the replica."
    ]
    return time.monotonic() - begin


@pytest.mark.parametrize("streamed", [False, True], ids=["converse", "stream"])
async def test_cancelled_calls_of_a_server_that_stalls_delay_no_later_call(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, streamed: bool
) -> None:
    await answer(bedrock_language, bedrock)
    bedrock.script("Converse", Slow(STALL_SECONDS, reply(TEXTS)))
    # The stream stalls after its headers, before the first event.
    bedrock.script("ConverseStream", Stream(stream(TEXTS).events, pause=STALL_SECONDS))
    tasks = [draft(bedrock_language, streamed=streamed) for _ in range(CALLS)]
    await received(bedrock, 1 + MAX_CALLS)
    for task in tasks:
        task.cancel()
    assert {type(each) for each in await asyncio.gather(*tasks, return_exceptions=True)} == {asyncio.CancelledError}
    assert await answer(bedrock_language, bedrock) < 1
    # None was repeated, and those that waited were never sent.
    assert len(bedrock.received) == 1 + MAX_CALLS + 1


async def test_calls_after_their_deadline_delay_no_later_call(
    bedrock: Bedrock, bedrock_language: BedrockLanguage
) -> None:
    await answer(bedrock_language, bedrock)
    bedrock.script("Converse", Slow(STALL_SECONDS, reply(TEXTS)))
    # Their client has a read timeout of 4 s.
    tasks = [draft(bedrock_language, streamed=False, seconds=2.1) for _ in range(MAX_CALLS)]
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(error, LanguageError)
        assert (error.failure, error.code) == (LanguageFailure.TIMEOUT, "DeadlineExceeded")
    assert await answer(bedrock_language, bedrock) < 1


async def test_stopping_a_call_that_has_ended_leaves_its_connection_to_the_next_one(
    bedrock: Bedrock, bedrock_language: BedrockLanguage
) -> None:
    for _ in range(5):
        await answer(bedrock_language, bedrock)
    assert len({each.port for each in bedrock.received}) == 1
