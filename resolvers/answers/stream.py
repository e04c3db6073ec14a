"""The stream of an answer: its sentences as they are written, then the answer."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from datasources.request import use_request
from resolvers.answers.progress import AnswerEvent, AnswerProgress
from resolvers.answers.use_cases import ask
from resolvers.context import Context
from resolvers.event_batch import EventBatch


async def stream_answer(
    context: Context, question: str, about: Sequence[str], heartbeat_seconds: float
) -> AsyncGenerator[EventBatch[AnswerEvent | BaseException], None]:
    """Yield each sentence of an answer when it is written, and then the answer of `ask`, or the error that it raised.

    The deadline is that of the request and, with a language model, its latency budget in addition. After so many
    seconds without an event, a heartbeat. When the stream is closed, the model is not waited for.
    """
    call = context.request
    if context.sources.language is not None and call.deadline is not None:
        call.deadline += context.sources.language_settings.latency_seconds
    # Ends with None.
    events: asyncio.Queue[AnswerEvent | None] = asyncio.Queue()
    progress = AnswerProgress(events.put_nowait)
    with use_request(call):
        answering = asyncio.create_task(ask(context, question, about, progress))
    answering.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while True:
            try:
                event = await asyncio.wait_for(events.get(), heartbeat_seconds)
            except TimeoutError:
                yield EventBatch((), context)
                continue
            if event is None:
                break
            yield EventBatch([event], context)
        error = answering.exception()
        yield EventBatch([error or AnswerEvent(progress.draft, answer=answering.result())], context)
    finally:
        answering.cancel()
        await asyncio.wait([answering])
