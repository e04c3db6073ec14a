"""Language models of Amazon Bedrock, called by Converse over our own retrieval, or by RetrieveAndGenerate."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from datasources.config import Generation, LanguageSettings
from datasources.language.bedrock.client import AGENT_RUNTIME, RUNTIME, BedrockClients
from datasources.language.bedrock.converse import DraftStream, read_draft
from datasources.language.bedrock.prompts import CHOICE, PROMPT_VERSION, build_messages, build_system, cited_sources
from datasources.language.bedrock.requests import build_request
from datasources.language.bedrock.retrieve_and_generate import build_knowledge_base_request, read_knowledge_base_draft
from datasources.language.bedrock.tools import build_tools, read_choice
from datasources.language.bedrock.usage import estimate_usage
from datasources.language.port import (
    Call,
    Completion,
    Draft,
    DraftSentence,
    LanguageError,
    LanguageFailure,
    Prompt,
    PromptSource,
    TaskKind,
    Tool,
    ToolChoice,
)
from datasources.observability import generative_ai
from datasources.observability.spans import CLIENT, AttributeValue, SpanScope, record_span


class BedrockLanguage:
    """Calls models of Bedrock. A call that has no reply in time counts with all tokens that it may have used."""

    def __init__(self, settings: LanguageSettings) -> None:
        self._settings = settings
        self._asks_knowledge_base = settings.generation is Generation.RETRIEVE_AND_GENERATE
        self._clients = BedrockClients(settings.region)

    @property
    def prompt_version(self) -> str:
        """See the port."""
        return PROMPT_VERSION

    async def draft(self, prompt: Prompt, call: Call, progress: Callable[[DraftSentence], None] | None = None) -> Draft:
        """See the port. No sentence and the end END mean that the sources do not answer the question.

        A task that is cancelled closes its connection, and its tokens are not known.
        """
        sources = cited_sources(prompt)
        with self._record(call) as span:
            if self._asks_knowledge_base and prompt.kind is TaskKind.ANSWER and sources:
                draft = await self._retrieve_and_generate(prompt.question, sources, call)
                if progress is not None:
                    for sentence in draft.sentences:
                        progress(sentence)
            elif progress is None:
                draft = await self._converse(prompt, sources, call)
            else:
                draft = await self._stream(prompt, sources, call, progress)
            _describe(span, draft.completion)
            return draft

    async def choose(self, question: str, tools: Sequence[Tool], call: Call) -> ToolChoice:
        """See the port."""
        with self._record(call) as span:
            request = build_request(
                self._settings, call, [{"text": CHOICE}], build_messages(question, ()), toolConfig=build_tools(tools)
            )
            reply, seconds = await self._send(RUNTIME, "converse", request, call)
            with refuse_malformed_replies(request, call):
                choice = read_choice(reply, tools, seconds, call.max_tokens)
            _describe(span, choice.completion)
            return choice

    async def _converse(self, prompt: Prompt, sources: Sequence[PromptSource], call: Call) -> Draft:
        request = self._build(prompt, sources, call)
        reply, seconds = await self._send(RUNTIME, "converse", request, call)
        with refuse_malformed_replies(request, call):
            return read_draft(reply, sources, seconds, call.max_tokens)

    async def _stream(
        self, prompt: Prompt, sources: Sequence[PromptSource], call: Call, progress: Callable[[DraftSentence], None]
    ) -> Draft:
        loop = asyncio.get_running_loop()
        request = self._build(prompt, sources, call)

        def pass_on(sentence: DraftSentence) -> None:
            if not stream.stopped:
                progress(sentence)

        def notify(sentence: DraftSentence) -> None:
            loop.call_soon_threadsafe(pass_on, sentence)

        stream = DraftStream(request, sources, call.max_tokens, notify)
        try:
            with refuse_malformed_replies(request, call):
                return await self._clients.call(RUNTIME, call.timeout_seconds, stream.read)
        except LanguageError as error:
            if stream.begun or _lacks_reply(error):
                error.usage = stream.usage
            raise
        finally:
            stream.stopped = True

    def _build(self, prompt: Prompt, sources: Sequence[PromptSource], call: Call) -> dict[str, Any]:
        messages = build_messages(prompt.question, sources)
        return build_request(self._settings, call, build_system(prompt.kind), messages)

    async def _retrieve_and_generate(self, question: str, sources: Sequence[PromptSource], call: Call) -> Draft:
        request = build_knowledge_base_request(self._settings, question, sources, call)
        reply, seconds = await self._send(AGENT_RUNTIME, "retrieve_and_generate", request, call)
        with refuse_malformed_replies(request, call):
            return read_knowledge_base_draft(reply, request, sources, seconds, call.max_tokens)

    async def _send(
        self, service: str, operation: str, request: Mapping[str, Any], call: Call
    ) -> tuple[Mapping[str, Any], float]:
        """Return the reply and the seconds that it took."""
        begin = time.monotonic()
        try:
            reply = await self._clients.call(
                service, call.timeout_seconds, lambda client: getattr(client, operation)(**request)
            )
        except LanguageError as error:
            if _lacks_reply(error):
                # The model may have written all of it.
                error.usage = estimate_usage(request, call.max_tokens)
            raise
        return reply, time.monotonic() - begin

    @contextmanager
    def _record(self, call: Call) -> Iterator[SpanScope]:
        attributes: dict[str, AttributeValue] = {
            generative_ai.OPERATION: generative_ai.CHAT,
            generative_ai.PROVIDER: generative_ai.BEDROCK,
            generative_ai.REQUEST_MODEL: call.model,
            generative_ai.MAX_TOKENS: call.max_tokens,
        }
        if self._settings.guardrail is not None:
            attributes[generative_ai.GUARDRAIL] = self._settings.guardrail
        with record_span(f"{generative_ai.CHAT} {call.model}", CLIENT, attributes) as span:
            try:
                yield span
            except LanguageError as error:
                span.set_attribute(generative_ai.ERROR, error.code)
                raise

    async def close(self) -> None:
        """See the port."""
        await self._clients.close()


@contextmanager
def refuse_malformed_replies(request: Mapping[str, Any], call: Call) -> Iterator[None]:
    """Raise LanguageError for a reply that lacks what Bedrock's model promises; it may be billed all the same."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        usage = estimate_usage(request, call.max_tokens)
        raise LanguageError(LanguageFailure.UNAVAILABLE, "MalformedReply", usage) from error


def _lacks_reply(error: LanguageError) -> bool:
    """Whether Bedrock took the request and did not reply in time."""
    return error.failure is LanguageFailure.TIMEOUT and not error.provider_request_id


def _describe(span: SpanScope, completion: Completion) -> None:
    span.set_attribute(generative_ai.FINISH_REASONS, completion.stop.value)
    usage = completion.usage
    for name, tokens in (
        (generative_ai.INPUT_TOKENS, usage.input),
        (generative_ai.OUTPUT_TOKENS, usage.output),
        (generative_ai.CACHE_READ_TOKENS, usage.cache_read),
        (generative_ai.CACHE_CREATION_TOKENS, usage.cache_write),
    ):
        span.set_attribute(name, tokens)
