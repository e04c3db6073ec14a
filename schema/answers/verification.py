"""Verification of answers: a verdict on each sentence by what its source says now."""

from collections.abc import Mapping
from typing import Any

import strawberry

from resolvers.answers.proofs import HIDDEN_TEXT, Verdict, VerdictReason, verify_answer
from resolvers.context import Context
from schema.answers.types import ASK_PERMISSION
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, field
from schema.declarations.ids import decode_id_as

register_enum(
    Verdict,
    "Whether a sentence of an answer still has its source.",
    HOLDS="Its source still says so.",
    CHANGED="Its source says something else now.",
    GONE="Its source was deleted, or you may not read it.",
    UNCHECKED="The graph does not answer; ask again.",
)
register_enum(
    VerdictReason,
    "Why a verdict was given.",
    SAME="The source is unchanged.",
    MOVED="The sentence is at other lines of the document.",
    SUPPORTED="The document has other words, which support the sentence.",
    NOT_IN_DOCUMENT="Nothing in the document supports the sentence any more.",
    OTHER_FACT="The fact about the item is another one now; `fact` has it.",
    NO_SOURCE="There is no source that you may read.",
    NO_GRAPH="The graph does not answer.",
)


@strawberry.type(description="A verdict on one sentence of an answer.")
class SentenceVerdict:
    number: int = attribute("The number of the sentence in the answer, from 1.")
    text: str = attribute(
        f"The sentence as it was given; `{HIDDEN_TEXT}` if it does not hold and one of its sources was deleted or is "
        "not visible to you now."
    )
    verdict: Verdict = attribute("Whether it still has its source.")
    reason: VerdictReason = attribute("Why.")
    fact: str | None = attribute("What the graph says now, with `OTHER_FACT`.")
    first_line: int | None = attribute("The first line of the document that supports it now, from 1.")
    last_line: int | None = attribute("The last line of the document that supports it now, inclusive.")


# Each sentence is compared with all chunks of its documents, which takes Python some milliseconds.
VERIFY_COST = 5_000


def _verify_answer(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    id = decode_id_as("ans", arguments["id"])
    return verify_answer(context, id) if id else None


@strawberry.type
class VerificationQueries:
    verify_answer: list[SentenceVerdict] | None = field(
        _verify_answer,
        "Compare each sentence of an answer that you were given with what its source says now; null for an id that is "
        "unknown, older than 30 days, or of an answer to somebody else. Two statements; with facts about items, up to "
        "eight more and three walks.",
        needs=ASK_PERMISSION,
        arguments=(Argument("id", strawberry.ID, "The global id of the answer."),),
        size=10,
        cost=VERIFY_COST,
    )
