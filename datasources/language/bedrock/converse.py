"""Drafts by Converse and ConverseStream, whose citations become numbers of sources."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from datasources.language.bedrock.bounds import bound_completion, bound_draft, cut_blocks, max_characters
from datasources.language.bedrock.prompts import NO_ANSWER
from datasources.language.bedrock.sentences import TextBlock, remove_control_characters, split_sentences
from datasources.language.bedrock.usage import estimate_tokens, estimate_usage, read_usage
from datasources.language.port import (
    MAX_SENTENCES,
    Completion,
    Draft,
    DraftSentence,
    LanguageError,
    LanguageFailure,
    PromptSource,
    StopReason,
    TokenUsage,
)

_STOPS = {
    "end_turn": StopReason.END,
    "stop_sequence": StopReason.END,
    "tool_use": StopReason.END,
    "max_tokens": StopReason.MAX_TOKENS,
    "model_context_window_exceeded": StopReason.MAX_TOKENS,
    "guardrail_intervened": StopReason.GUARDRAIL,
    "content_filtered": StopReason.GUARDRAIL,
}


def read_completion(reply: Mapping[str, Any], seconds: float) -> Completion:
    """Return what a reply of Converse says besides its content. An unknown reason to stop is MALFORMED."""
    stop = _STOPS.get(reply["stopReason"], StopReason.MALFORMED)
    request_id = str(reply["ResponseMetadata"].get("RequestId", ""))
    return Completion(stop, read_usage(reply["usage"]), seconds, provider_request_id=request_id)


def read_draft(reply: Mapping[str, Any], sources: Sequence[PromptSource], seconds: float, max_tokens: int) -> Draft:
    """Return the draft in a reply of Converse of at most so many tokens to a prompt with these sources."""
    contents = reply["output"]["message"]["content"]
    limit = max_characters(max_tokens)
    blocks, is_cut = cut_blocks((_read_block(content, sources, limit) for content in contents), max_tokens)
    completion = bound_completion(read_completion(reply, seconds), is_cut=is_cut)
    return bound_draft(remove_refusal(split_sentences(blocks)), completion)


def remove_refusal(sentences: list[DraftSentence]) -> list[DraftSentence]:
    """Return the sentences without the one by which a model says that it has no answer."""
    return [each for each in sentences if each.sources or each.text != NO_ANSWER]


def _read_block(content: Mapping[str, Any], sources: Sequence[PromptSource], limit: int) -> TextBlock:
    """Return a block with one character more than the limit at most, so that it is seen to be too long."""
    cited = content.get("citationsContent", {})
    text = content.get("text", "") + "".join(part.get("text", "") for part in cited.get("content", ()))
    numbers = (find_source(citation, sources) for citation in cited.get("citations", ()))
    return TextBlock(remove_control_characters(text[: limit + 1]), [number for number in numbers if number is not None])


def find_source(citation: Mapping[str, Any], sources: Sequence[PromptSource]) -> int | None:
    """Return the number of the source that is cited, by its index or its id; None if the prompt has no such source."""
    index = citation.get("location", {}).get("searchResultLocation", {}).get("searchResultIndex")
    if index is not None:
        return sources[index].number if 0 <= index < len(sources) else None
    return next((source.number for source in sources if source.id == citation.get("source")), None)


class DraftStream:
    """Reads the events of ConverseStream, and passes each sentence on when the block after it begins.

    `progress` is called in the thread that reads. Another thread may set `stopped`: then no further sentence is passed
    on, and the stream is closed with its next event, unless its connection is shut down before. `begun` is whether
    Bedrock accepted the request. A reply that is longer than `max_tokens` allow is read no further.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        sources: Sequence[PromptSource],
        max_tokens: int,
        progress: Callable[[DraftSentence], None],
    ) -> None:
        self._request = request
        self._sources = sources
        self._max_tokens = max_tokens
        self._characters = 0
        self._is_cut = False
        self._progress = progress
        self._blocks: dict[int, TextBlock] = {}
        self._passed = 0
        self._stop_reason: StopReason | None = None
        self._reported: TokenUsage | None = None
        self._begin = time.monotonic()
        self._first_token: float | None = None
        self.begun = False
        self.stopped = False

    @property
    def usage(self) -> TokenUsage:
        """The tokens, estimated from what has arrived unless the last event was received."""
        if self._reported is not None:
            return self._reported
        return estimate_usage(self._request, estimate_tokens(sum(len(each.text) for each in self._blocks.values())))

    def read(self, client: Any) -> Draft:
        """Send the request and read its reply to the end. Raises LanguageError if it has no end."""
        reply = client.converse_stream(**self._request)
        self.begun = True
        request_id = str(reply["ResponseMetadata"].get("RequestId", ""))
        stream = reply["stream"]
        try:
            for event in stream:
                if self.stopped or self._is_cut:
                    break
                for name, value in event.items():
                    self._take(name, value)
        finally:
            stream.close()
        if self._is_cut:
            self._stop_reason = StopReason.MAX_TOKENS
        # Usage comes in the last event.
        elif self._stop_reason is None or self._reported is None:
            raise LanguageError(LanguageFailure.UNAVAILABLE, "IncompleteStream", self.usage, request_id)
        self._pass_on(0)
        completion = Completion(
            self._stop_reason, self.usage, time.monotonic() - self._begin, self._first_token, request_id
        )
        return bound_draft(self._split(), completion)

    def _take(self, name: str, event: Mapping[str, Any]) -> None:
        if name == "contentBlockDelta":
            if self._first_token is None:
                self._first_token = time.monotonic() - self._begin
            self._take_delta(event["contentBlockIndex"], event["delta"])
        elif name == "contentBlockStop":
            # The last sentence may continue in the next block.
            self._pass_on(1)
        elif name == "messageStop":
            self._stop_reason = _STOPS.get(event["stopReason"], StopReason.MALFORMED)
        elif name == "metadata":
            self._reported = read_usage(event["usage"])

    def _take_delta(self, index: int, delta: Mapping[str, Any]) -> None:
        text = delta.get("text", "")
        left = max_characters(self._max_tokens) - self._characters
        self._is_cut = len(text) > left or (index not in self._blocks and len(self._blocks) == self._max_tokens)
        if not self._is_cut or index in self._blocks:
            block = self._blocks.setdefault(index, TextBlock())
            block.text += remove_control_characters(text[:left])
            self._characters += len(text[:left])
            if (citation := delta.get("citation")) is not None:
                number = find_source(citation, self._sources)
                block.sources += [] if number is None or number in block.sources else [number]

    def _split(self) -> list[DraftSentence]:
        return remove_refusal(split_sentences(list(self._blocks.values())))

    def _pass_on(self, held: int) -> None:
        """Pass the new sentences on, but for the last ones that are `held` back."""
        if self._stop_reason is StopReason.GUARDRAIL:
            return
        sentences = self._split()
        for sentence in sentences[self._passed : min(len(sentences) - held, MAX_SENTENCES)]:
            self._progress(sentence)
            self._passed += 1
