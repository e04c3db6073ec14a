"""Drafts by Converse and ConverseStream, whose citations become numbers of sources."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from datasources.language.bedrock.prompts import NO_ANSWER
from datasources.language.bedrock.sentences import TextBlock, remove_control_characters, split_sentences
from datasources.language.bedrock.usage import estimate_tokens, estimate_usage, read_usage
from datasources.language.port import (
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


def read_draft(reply: Mapping[str, Any], sources: Sequence[PromptSource], seconds: float) -> Draft:
    """Return the draft in a reply of Converse to a prompt with these sources."""
    blocks = [_read_block(content, sources) for content in reply["output"]["message"]["content"]]
    return _to_draft(remove_refusal(split_sentences(blocks)), read_completion(reply, seconds))


def remove_refusal(sentences: list[DraftSentence]) -> list[DraftSentence]:
    """Return the sentences without the one by which a model says that it has no answer."""
    return [each for each in sentences if each.sources or each.text != NO_ANSWER]


def _to_draft(sentences: Iterable[DraftSentence], completion: Completion) -> Draft:
    # The text is the guardrail's then, and no answer.
    blocked = completion.stop is StopReason.GUARDRAIL
    return Draft(() if blocked else tuple(sentences), completion)


def _read_block(content: Mapping[str, Any], sources: Sequence[PromptSource]) -> TextBlock:
    cited = content.get("citationsContent", {})
    text = content.get("text", "") + "".join(part.get("text", "") for part in cited.get("content", ()))
    numbers = (find_source(citation, sources) for citation in cited.get("citations", ()))
    return TextBlock(remove_control_characters(text), [number for number in numbers if number is not None])


def find_source(citation: Mapping[str, Any], sources: Sequence[PromptSource]) -> int | None:
    """Return the number of the source that is cited, by its index or its id; None if the prompt has no such source."""
    index = citation.get("location", {}).get("searchResultLocation", {}).get("searchResultIndex")
    if index is not None:
        return sources[index].number if 0 <= index < len(sources) else None
    return next((source.number for source in sources if source.id == citation.get("source")), None)


class DraftStream:
    """Reads the events of ConverseStream, and passes each sentence on when the block after it begins.

    `progress` is called in the thread that reads. Another thread may set `stopped`: then no further sentence is passed
    on, and the stream is closed with its next event. `begun` is whether Bedrock accepted the request.
    """

    def __init__(
        self, request: Mapping[str, Any], sources: Sequence[PromptSource], progress: Callable[[DraftSentence], None]
    ) -> None:
        self._request = request
        self._sources = sources
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
                if self.stopped:
                    break
                for name, value in event.items():
                    self._take(name, value)
        finally:
            stream.close()
        # Usage comes in the last event.
        if self._stop_reason is None or self._reported is None:
            raise LanguageError(LanguageFailure.UNAVAILABLE, "IncompleteStream", self.usage, request_id)
        self._pass_on(0)
        completion = Completion(
            self._stop_reason, self._reported, time.monotonic() - self._begin, self._first_token, request_id
        )
        return _to_draft(self._split(), completion)

    def _take(self, name: str, event: Mapping[str, Any]) -> None:
        if name == "contentBlockDelta":
            if self._first_token is None:
                self._first_token = time.monotonic() - self._begin
            block = self._blocks.setdefault(event["contentBlockIndex"], TextBlock())
            block.text += remove_control_characters(event["delta"].get("text", ""))
            if (citation := event["delta"].get("citation")) is not None:
                number = find_source(citation, self._sources)
                block.sources += [] if number is None else [number]
        elif name == "contentBlockStop":
            # The last sentence may continue in the next block.
            self._pass_on(1)
        elif name == "messageStop":
            self._stop_reason = _STOPS.get(event["stopReason"], StopReason.MALFORMED)
        elif name == "metadata":
            self._reported = read_usage(event["usage"])

    def _split(self) -> list[DraftSentence]:
        return remove_refusal(split_sentences(list(self._blocks.values())))

    def _pass_on(self, held: int) -> None:
        """Pass the new sentences on, but for the last ones that are `held` back."""
        if self._stop_reason is StopReason.GUARDRAIL:
            return
        sentences = self._split()
        for sentence in sentences[self._passed : len(sentences) - held]:
            self._progress(sentence)
            self._passed += 1
