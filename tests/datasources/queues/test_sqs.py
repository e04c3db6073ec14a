"""The queue in SQS, on a server that speaks it: run with `--ministack=PATH`."""

from collections.abc import AsyncIterator

import boto3
import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.observability.spans import CLIENT, PRODUCER, SERVER, record_call, use_exporter
from datasources.queues.port import Disposition, MessageFailure, NewMessage
from datasources.queues.sqs.queue import SqsQueue
from datasources.queues.tables.queue import TablesQueue
from datasources.request import RequestContext
from tests.fixtures.databases import create_database
from tests.fixtures.ministack import clock, created, ministack
from tests.fixtures.spans import Kept

__all__ = ["clock", "ministack"]


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    return create_database(postgres, "sqs_letters")


@pytest.fixture
async def queue(
    ministack: str, url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SqsQueue]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE dead_letters")
    client = boto3.client("sqs", region_name="eu-central-1", endpoint_url=ministack)
    fifo = getattr(request, "param", True)
    made = created(client, request.node.originalname[:60] + ".fifo" * fifo, {"FifoQueue": "true"} if fifo else {})
    main = Database("main", url)
    yield SqsQueue(
        made, TablesQueue(main, "events"), region="eu-central-1", endpoint=ministack, fifo=fifo, delay=0, attempts=2
    )
    await main.close()


def messages(*texts: str) -> list[NewMessage]:
    return [NewMessage(f"/group {text[0]}", text, text, f"r-{text}") for text in texts]


async def test_more_than_one_call_of_messages_come_in_order_and_once(queue: SqsQueue) -> None:
    texts = [f"{group}{number:02}" for number in range(12) for group in "ab"]
    assert await queue.send(messages(*texts, "a00")) == 25
    received = await queue.receive(100, 0)
    assert len(received) <= 24
    seen = [each.body for each in received]
    while received:
        assert {each.group for each in received} <= {"/group a", "/group b"}
        await queue.settle(received, [])
        received = await queue.receive(100, 0)
        seen += [each.body for each in received]
    assert [text for text in seen if text[0] == "a"] == [f"a{number:02}" for number in range(12)]
    assert sorted(seen) == sorted(texts)
    assert ((await queue.depth()).waiting, (await queue.depth()).oldest_seconds) == (0, None)


async def test_a_failed_message_holds_back_its_group_until_it_is_a_dead_letter(queue: SqsQueue) -> None:
    await queue.send(messages("a1", "a2", "b1"))
    received = {each.body: each for each in await queue.receive(10, 0)}
    assert (received["a1"].attempt, received["a1"].request_id) == (1, "r-a1")
    held = [MessageFailure(received["a2"], "behind", Disposition.RELEASE)]
    await queue.settle([received["b1"]], [MessageFailure(received["a1"], "no"), *held])
    again = await queue.receive(10, 1)
    assert [(each.body, each.attempt) for each in again][:1] == [("a1", 2)]
    behind = [MessageFailure(each, "behind", Disposition.RELEASE) for each in again[1:]]
    await queue.settle([], [MessageFailure(again[0], "no again"), *behind])
    assert [(each.body, each.reason) for each in await queue.list_dead_letters(10)] == [("a1", "no again")]
    assert [each.body for each in await queue.receive(10, 1)] == ["a2"]


@pytest.mark.parametrize(("queue", "names"), [(True, 2), (False, 0)], ids=["fifo", "standard"], indirect=["queue"])
async def test_only_a_fifo_queue_is_told_group_and_deduplication_id(queue: SqsQueue, names: int) -> None:
    await queue.send(messages("a1"))
    # This server takes what a standard queue of AWS refuses, so what was sent is looked at.
    reply = await queue._call("receive_message", AttributeNames=["All"])
    [found] = reply["Messages"]
    assert len({"MessageGroupId", "MessageDeduplicationId"} & found["Attributes"].keys()) == names


@pytest.mark.parametrize("queue", [False], ids=["standard"], indirect=True)
async def test_a_standard_queue_is_sent_no_group_and_gives_it_all_the_same(queue: SqsQueue) -> None:
    assert await queue.send(messages("a1", "a2")) == 2
    received = {each.body: each for each in [*await queue.receive(1, 1), *await queue.receive(1, 1)]}
    assert {(each.body, each.group, each.request_id, each.attempt) for each in received.values()} == {
        ("a1", "/group a", "r-a1", 1), ("a2", "/group a", "r-a2", 1),
    }  # fmt: skip
    await queue.settle([received["a1"]], [MessageFailure(received["a2"], "no", Disposition.DEAD_LETTER)])
    assert [(each.body, each.reason) for each in await queue.list_dead_letters(10)] == [("a2", "no")]
    assert len(await queue.redrive_dead_letters(None)) == 1
    assert [each.body for each in await queue.receive(10, 1)] == ["a2"]


async def test_dead_letters_are_replayed(queue: SqsQueue) -> None:
    await queue.send(messages("a1", "b1"))
    received = await queue.receive(10, 0)
    await queue.settle([], [MessageFailure(each, "bad", Disposition.DEAD_LETTER) for each in received])
    by_body = {each.body: each.id for each in await queue.list_dead_letters(10)}
    assert await queue.redrive_dead_letters([by_body["a1"]]) == [by_body["a1"]]
    assert [(each.body, each.group, each.request_id) for each in await queue.receive(10, 1)] == [
        ("a1", "/group a", "r-a1")
    ]
    assert await queue.delete_dead_letters(None) == [by_body["b1"]]
    assert await queue.list_dead_letters(10) == []


async def test_each_call_is_a_span(queue: SqsQueue) -> None:
    kept = Kept()
    with use_exporter(kept), record_call("call", SERVER, RequestContext()):
        await queue.send([NewMessage("g", str(number), f"body {number}") for number in range(12)])
        received = await queue.receive(3, 0)
        await queue.settle(received, [])
    name = "test_each_call_is_a_span.fifo"
    spans = kept.recordings[0].spans
    told = [(each.name, each.kind, each.attributes["messaging.operation.name"]) for each in spans]
    assert told == [
        (f"send {name}", PRODUCER, "SendMessageBatch"),
        (f"send {name}", PRODUCER, "SendMessageBatch"),
        (f"receive {name}", CLIENT, "ReceiveMessage"),
        (f"settle {name}", CLIENT, "DeleteMessageBatch"),
    ]
    assert [each.attributes.get("messaging.batch.message_count") for each in spans] == [10, 2, None, 3]
    assert {each.attributes["messaging.destination.name"] for each in spans} == {name}
    assert "body" not in repr(spans)
