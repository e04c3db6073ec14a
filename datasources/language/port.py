"""The port of language models: what a model is asked, what it answers, what that cost, and how it fails.

Laws of every adapter:
- A draft cites only sources of its prompt, by their numbers; a sentence without a citation is not dropped here.
- Equal prompts to a local adapter have equal drafts. A local adapter uses no tokens.
- The tokens of a call bound the characters of its reply: a longer one ends there, by MAX_TOKENS. A draft has at most
  MAX_SENTENCES; a reply of more is MALFORMED.
- Every failure is a LanguageError. Text of a source is data: an adapter never executes it, and never treats it as an
  instruction of its own.
- No question and no text of a source is in a log, a span or the message of an error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from datasources.errors import SourceError
from datasources.records.document_chunks import ChunkPublication, ObsoletePublication
from datasources.records.queries import Scope

# Four times as many as prompts ask for.
MAX_SENTENCES = 24


class TaskKind(StrEnum):
    """What a model is called for."""

    ANSWER = "ANSWER"
    SUMMARY = "SUMMARY"
    OPERATION = "OPERATION"


class StopReason(StrEnum):
    """Why a draft ends."""

    END = "END"
    MAX_TOKENS = "MAX_TOKENS"
    GUARDRAIL = "GUARDRAIL"
    MALFORMED = "MALFORMED"


@dataclass(frozen=True, slots=True)
class PromptSource:
    """A text that a draft may cite. `number` counts from 1 in the prompt; `id` is that of the chunk or the item."""

    number: int
    id: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question, or a title to summarize, and the sources of its answer, best first."""

    kind: TaskKind
    question: str
    sources: tuple[PromptSource, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A trusted operation that a model may choose, with the JSON schema of its variables."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """The bounds of one call of a model: tokens of the reply, seconds, and what identifies it in the provider's logs.

    `metadata` has 1 to 16 entries; keys and values are ASCII, at most 256 characters.
    """

    model: str
    max_tokens: int
    timeout_seconds: float
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens that a call used. `input` excludes those that a cache of the provider read or wrote."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    # Whether the provider did not report them, so that they are estimated from the text.
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A sentence of a draft and the numbers of its sources.

    `lines` has the first and last line of a copied sentence in the document; None if it was written by a model.
    """

    text: str
    sources: tuple[int, ...]
    lines: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What every reply of a model has in common. Times are in seconds."""

    stop: StopReason
    usage: TokenUsage
    seconds: float
    # Until the first token; None if the reply was not streamed.
    first_token_seconds: float | None = None
    # The provider's id of the call, empty for a local one.
    provider_request_id: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """The sentences that a model wrote or chose, before they are checked."""

    sentences: tuple[DraftSentence, ...]
    completion: Completion


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """The operation that a model chose, with its variables as the model gave them; None if it chose none."""

    tool: str | None
    variables: Mapping[str, Any]
    completion: Completion


class Language(Protocol):
    """Calls a language model."""

    @property
    def prompt_version(self) -> str:
        """Changes with the instructions of prompts: drafts of another version are not cached answers of this one."""
        ...

    async def draft(self, prompt: Prompt, call: Call, progress: Callable[[DraftSentence], None] | None = None) -> Draft:
        """Return an answer to a prompt, with citations.

        With `progress` the reply is streamed, and each sentence is passed on when it is complete. Raises LanguageError.
        """
        ...

    async def choose(self, question: str, tools: Sequence[Tool], call: Call) -> ToolChoice:
        """Return the tool that answers the question, or none. Raises LanguageError."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


@dataclass(frozen=True, slots=True)
class RetrievedPassage:
    """A chunk that a knowledge base found: the URI of its object, its text, and the score, higher is better.

    `metadata` is that of the object, with the ids of chunk and document.
    """

    uri: str
    text: str
    score: float
    metadata: Mapping[str, Any]


class KnowledgeBase(Protocol):
    """Finds chunks of documents by a service of its own."""

    async def retrieve(
        self,
        question: str,
        number: int,
        scope: Scope,
        timeout_seconds: float,
        condition: Mapping[str, Any] | None = None,
    ) -> list[RetrievedPassage]:
        """Return at most `number` passages that the scope sees, best first. Raises LanguageError.

        It may be older than the tables: read each chunk by its id before it is shown.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class KnowledgeDataSource(Protocol):
    """The objects that a knowledge base is made from: a text and its metadata for each chunk.

    All methods raise SourceError, and each can be repeated: the result is the same.
    """

    async def put(self, chunk: ChunkPublication) -> None:
        """Write the metadata of a chunk and then, unless `is_written`, its text."""
        ...

    async def delete(self, chunks: Sequence[ObsoletePublication]) -> Mapping[str, SourceError]:
        """Delete the texts of at most 1,000 chunks and then their metadata. Objects that do not exist are ignored.

        Return the errors of the chunks that were refused, by their ids; all others are deleted.
        """
        ...

    async def start_ingestion(self) -> bool:
        """Let the knowledge base read what has changed. False if it is reading: start again later."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class LanguageFailure(StrEnum):
    """How a call failed, which decides what comes next.

    THROTTLED opens the breaker after some, UNAVAILABLE and TIMEOUT go on with the next model, QUOTA opens the breaker
    for long, REFUSED is a fault of the configuration or of the request, and no other model is asked.
    """

    THROTTLED = "THROTTLED"
    UNAVAILABLE = "UNAVAILABLE"
    TIMEOUT = "TIMEOUT"
    QUOTA = "QUOTA"
    REFUSED = "REFUSED"


@dataclass(slots=True)
class LanguageError(Exception):
    """A call of a model failed. `usage` has the tokens that it used all the same, estimated if not reported."""

    failure: LanguageFailure
    # The provider's code, such as ThrottlingException; never a text that a model wrote.
    code: str
    usage: TokenUsage = field(default_factory=TokenUsage)
    provider_request_id: str = ""

    def __str__(self) -> str:
        return f"the language model failed: {self.code} ({self.failure.value})"
