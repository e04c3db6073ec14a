"""How calls of Bedrock fail: the failure, the calls over HTTP, and the tokens, for each error."""

import asyncio
import logging

import pytest

from datasources.language.bedrock.adapter import BedrockLanguage
from datasources.language.bedrock.client import RUNTIME
from datasources.language.port import DraftSentence, LanguageError, LanguageFailure, TokenUsage
from tests.datasources.language.prompts import SOURCES, call, prompt
from tests.fixtures.bedrock import REQUEST_ID, Bedrock, Refusal, Slow, Stream
from tests.fixtures.bedrock_model import cited, reply, stream

# code, status, failure, calls over HTTP: boto3 repeats some of them once.
ERRORS = [
    ("ThrottlingException", 429, LanguageFailure.THROTTLED, 2),
    ("ModelNotReadyException", 429, LanguageFailure.UNAVAILABLE, 2),
    ("ServiceUnavailableException", 503, LanguageFailure.UNAVAILABLE, 2),
    ("InternalServerException", 500, LanguageFailure.UNAVAILABLE, 2),
    ("ModelTimeoutException", 408, LanguageFailure.TIMEOUT, 1),
    ("ModelErrorException", 424, LanguageFailure.UNAVAILABLE, 1),
    ("ServiceQuotaExceededException", 400, LanguageFailure.QUOTA, 1),
    ("ConflictException", 400, LanguageFailure.UNAVAILABLE, 1),
    ("ValidationException", 400, LanguageFailure.REFUSED, 1),
    ("AccessDeniedException", 403, LanguageFailure.REFUSED, 1),
    ("ResourceNotFoundException", 404, LanguageFailure.REFUSED, 1),
    ("SomeNewException", 418, LanguageFailure.REFUSED, 1),
    ("SomeNewException", 429, LanguageFailure.THROTTLED, 2),
    ("SomeNewException", 502, LanguageFailure.UNAVAILABLE, 2),
    ("throttlingEXCEPTION", 400, LanguageFailure.THROTTLED, 1),
]
STREAM_ERRORS = [
    ("throttlingException", LanguageFailure.THROTTLED),
    ("serviceUnavailableException", LanguageFailure.UNAVAILABLE),
    ("internalServerException", LanguageFailure.UNAVAILABLE),
    ("modelStreamErrorException", LanguageFailure.UNAVAILABLE),
    ("validationException", LanguageFailure.REFUSED),
]
EVENTS = stream([cited("Promote the replica.", 0), {"text": "\n"}, cited("Then wait.", 1)]).events


async def fail(language: BedrockLanguage, seconds: float = 5, *, streamed: bool = False) -> LanguageError:
    """The error of a draft."""
    with pytest.raises(LanguageError) as raised:
        await language.draft(prompt(*SOURCES), call(seconds), (lambda _: None) if streamed else None)
    return raised.value


@pytest.fixture
async def warm_language(bedrock: Bedrock, bedrock_language: BedrockLanguage) -> BedrockLanguage:
    """An adapter whose client for a second exists, so that a short deadline is not spent on it."""
    bedrock_language._clients._client(RUNTIME, 1)
    return bedrock_language


@pytest.mark.parametrize("streamed", [False, True], ids=["converse", "stream"])
@pytest.mark.parametrize(("code", "status", "failure", "calls"), ERRORS, ids=lambda value: str(value))
async def test_an_error_has_its_failure(
    bedrock: Bedrock,
    bedrock_language: BedrockLanguage,
    code: str,
    status: int,
    failure: LanguageFailure,
    calls: int,
    streamed: bool,
) -> None:
    bedrock.script("ConverseStream" if streamed else "Converse", Refusal(status, code))
    error = await fail(bedrock_language, streamed=streamed)
    assert (error.failure, error.code, error.usage) == (failure, code, TokenUsage())
    assert len(bedrock.received) == calls
    assert error.provider_request_id == REQUEST_ID


async def test_one_throttled_call_is_sent_once_more(bedrock: Bedrock, bedrock_language: BedrockLanguage) -> None:
    bedrock.script("Converse", Refusal(429, "ThrottlingException"), reply([cited("Promote it.", 0)]))
    draft = await bedrock_language.draft(prompt(*SOURCES), call())
    assert draft.sentences == (DraftSentence("Promote it.", (1,)),)
    assert len(bedrock.received) == 2


async def test_a_reply_after_the_deadline_is_a_timeout_and_is_not_sent_again(
    bedrock: Bedrock, warm_language: BedrockLanguage
) -> None:
    bedrock.script("Converse", Slow(1.7, reply([])))
    begin = asyncio.get_running_loop().time()
    error = await fail(warm_language, 0.6)
    assert 0.55 < asyncio.get_running_loop().time() - begin < 1
    assert (error.failure, error.code) == (LanguageFailure.TIMEOUT, "DeadlineExceeded")
    # The model may have used all tokens that it was allowed.
    assert (error.usage.output, error.usage.estimated) == (300, True)
    assert error.usage.input > 100
    # The read timeout, 1 s, and boto3's wait before it repeats a call, at most 1 s.
    await asyncio.sleep(2.2)
    assert len(bedrock.received) == 1


async def test_a_throttled_call_is_not_repeated_after_the_deadline(
    bedrock: Bedrock, warm_language: BedrockLanguage
) -> None:
    bedrock.script("Converse", Slow(0.8, Refusal(429, "ThrottlingException")))
    assert (await fail(warm_language, 0.6)).failure is LanguageFailure.TIMEOUT
    await asyncio.sleep(1.5)
    assert len(bedrock.received) == 1


@pytest.mark.parametrize(("code", "failure"), STREAM_ERRORS, ids=[code for code, _ in STREAM_ERRORS])
async def test_an_error_within_a_stream_is_not_repeated(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, code: str, failure: LanguageFailure
) -> None:
    bedrock.script("ConverseStream", Stream(EVENTS[:4], refusal=code))
    error = await fail(bedrock_language, streamed=True)
    assert (error.failure, error.code) == (failure, code)
    assert len(bedrock.received) == 1
    # 20 characters came.
    assert (error.usage.output, error.usage.estimated) == (7, True)
    assert error.usage.input > 100


@pytest.mark.parametrize(
    ("reply_", "code"),
    [
        (Stream(EVENTS[:4], broken=True), "ProtocolError"),
        (Stream(EVENTS[:4], corrupt=True), "ChecksumMismatch"),
        (Stream(EVENTS[:4]), "IncompleteStream"),
        (Stream(EVENTS[:-1]), "IncompleteStream"),
    ],
    ids=["connection lost", "checksum", "no end", "no usage"],
)
async def test_a_stream_without_its_end_counts_what_came(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, reply_: Stream, code: str
) -> None:
    bedrock.script("ConverseStream", reply_)
    error = await fail(bedrock_language, streamed=True)
    assert (error.failure, error.code) == (LanguageFailure.UNAVAILABLE, code)
    assert error.usage.estimated
    assert error.usage.output > 0


async def test_a_slow_stream_ends_at_the_deadline_with_what_came(
    bedrock: Bedrock, warm_language: BedrockLanguage
) -> None:
    bedrock.script("ConverseStream", Stream(EVENTS, pause=0.1))
    error = await fail(warm_language, 0.75, streamed=True)
    assert (error.failure, error.code) == (LanguageFailure.TIMEOUT, "DeadlineExceeded")
    assert error.usage.estimated
    assert 0 < error.usage.output < 15


async def test_a_task_that_is_cancelled_gets_no_further_sentence(
    bedrock: Bedrock, bedrock_language: BedrockLanguage
) -> None:
    bedrock.script("ConverseStream", Stream(EVENTS, pause=0.1))
    sentences: list[DraftSentence] = []
    task = asyncio.create_task(bedrock_language.draft(prompt(*SOURCES), call(), sentences.append))
    while not sentences:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.7)
    assert sentences == [DraftSentence("Promote the replica.", (1,))]


async def test_nothing_listens(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")
    error = await fail(bedrock_language)
    assert (error.failure, error.code, error.usage) == (
        LanguageFailure.UNAVAILABLE, "EndpointConnectionError", TokenUsage(),
    )  # fmt: skip


async def test_without_credentials_it_is_refused(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    error = await fail(bedrock_language)
    assert (error.failure, error.code) == (LanguageFailure.REFUSED, "NoCredentialsError")
    assert bedrock.received == []


async def test_no_text_is_in_the_logs_and_messages_of_errors(
    bedrock: Bedrock, bedrock_language: BedrockLanguage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bedrock.script("Converse", Refusal(400, "ValidationException"))
    bedrock.script("ConverseStream", Stream(EVENTS[:4], refusal="throttlingException"))
    for streamed in (False, True):
        text = f"{await fail(bedrock_language, streamed=streamed)} {caplog.text}"
        assert [each for each in ("quicksilver", "replica", "Malformed", "quoted") if each in text] == []
