"""The `ask` subscription: an answer as it is written."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import strawberry

from resolvers.answers.progress import AnswerEvent as PublishedEvent
from resolvers.answers.stream import stream_answer
from resolvers.context import Context
from resolvers.errors import BadUserInput
from resolvers.event_batch import EventBatch
from schema.answers.types import ASK_ARGUMENTS, ASK_COST, ASK_PERMISSION, Answer, AnswerSentence, to_item_id
from schema.declarations.fields import attribute, stream


def _ask(context: Context, arguments: Mapping[str, Any]) -> AsyncIterator[EventBatch[PublishedEvent | BaseException]]:
    subscription = context.subscription
    if subscription is None:
        raise BadUserInput("a subscription is a stream; send it to /graphql/stream", argument="query")
    about = [to_item_id(each) for each in arguments.get("about") or ()]
    return stream_answer(context, arguments["question"], about, subscription.heartbeat_seconds)


@strawberry.type(description="A part of an answer that is being written: a sentence, or at last the answer.")
class AnswerEvent:
    record = PublishedEvent

    draft: int = attribute(
        "The number of the draft, from 1. A draft with a higher number replaces the sentences of all drafts before it."
    )
    sentence: AnswerSentence | None = attribute(
        "A sentence that its sources support; null in the last event. Its citations have the numbers of the answer, "
        "if that has the sentences of this draft."
    )
    answer: Answer | None = attribute(
        "The answer, which replaces all sentences before it; null in all events but the last."
    )


@strawberry.type
class AnswerSubscriptions:
    ask: AnswerEvent | None = stream(
        _ask,
        "Answer a question as the query `ask` does: an event for each sentence when it is written, then one for the "
        "answer, and the end of the stream. A client that reconnects asks again.",
        needs=ASK_PERMISSION,
        arguments=ASK_ARGUMENTS,
        cost=ASK_COST,
    )
