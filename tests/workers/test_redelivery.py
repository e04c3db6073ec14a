"""Redelivery of events by SQS to Lambda while a store is away: the double's clock is put forward."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from datasources.aurora.driver.database import Database
from datasources.queues.sqs.queue import SqsQueue
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import Sources
from resolvers.events.ingest import ingest_events
from tests.fixtures.events import state, upserted
from tests.fixtures.ministack import Clock, clock, created, ministack
from workers import events as worker
from workers.redelivery import AttemptCounter, wait_seconds

__all__ = ["clock", "ministack"]

STORES = Path(__file__).parents[1] / "cdk" / "snapshots" / "dev-Stores.json"
HOUR = 3_600
DAYS_KEPT = 14


def deployed() -> dict[str, Any]:
    """The queue of events as the templates make it."""
    resources = json.loads(STORES.read_text())["Resources"].values()
    queues = [each["Properties"] for each in resources if each["Type"] == "AWS::SQS::Queue"]
    (events,) = [each for each in queues if each.get("FifoQueue") and "RedrivePolicy" in each]
    found: dict[str, Any] = events
    return found


@dataclass
class Lambda:
    """What Lambda does for a queue: receives, calls the worker, deletes what it does not give back."""

    client: Any
    url: str
    queue: SqsQueue
    tries: AttemptCounter
    order: list[str]

    async def poll(self, sources: Sources) -> int:
        received = self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
        ).get("Messages", [])
        records = [
            {
                "messageId": each["MessageId"],
                "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"],
                "attributes": each["Attributes"],
            }
            for each in received
        ]
        answer = await worker.partial_response(sources, self.queue, records, self.tries) if records else None
        again = {each["itemIdentifier"] for each in answer["batchItemFailures"]} if answer else set()
        for each in received:
            if each["MessageId"] not in again:
                self.client.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
                self.order.append(json.loads(each["Body"])["id"])
        return len(received)

    def count(self, name: str) -> int:
        """How many messages a queue has, in flight or not."""
        attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        reply = self.client.get_queue_attributes(QueueUrl=name, AttributeNames=attributes)
        return sum(int(each) for each in reply["Attributes"].values())


@pytest.fixture
async def lambda_(ministack: str, sources: Sources, monkeypatch: pytest.MonkeyPatch) -> Lambda:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("sqs", region_name="us-east-1", endpoint_url=ministack)
    dead = created(client, "dead.fifo", {"FifoQueue": "true"})
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    made = deployed()
    receives = made["RedrivePolicy"]["maxReceiveCount"]
    attributes = {
        "FifoQueue": "true",
        "VisibilityTimeout": str(made["VisibilityTimeout"]),
        "MessageRetentionPeriod": str(made["MessageRetentionPeriod"]),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": receives}),
    }
    url = created(client, "events.fifo", attributes)
    letters = TablesQueue(sources.main, "events")
    return Lambda(client, url, SqsQueue(url, letters, region="us-east-1", endpoint=ministack), AttemptCounter(), [])


async def test_events_wait_an_hour_for_a_store_and_then_have_their_effect_in_order(
    lambda_: Lambda, clock: Clock, sources: Sources, url: str
) -> None:
    groups = ("/a", "/b", "/c")
    sent = [upserted(f"{group}{n:02}", group[1:], n, source=group, name=str(n)) for n in range(12) for group in groups]
    told = await ingest_events(lambda_.queue, [json.dumps(each).encode() for each in sent], "r1")
    assert told.refused == []
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.01)
    begin, last, waits = clock.seconds, clock.seconds, [0.0]
    while clock.seconds - begin < HOUR:
        if await lambda_.poll(replace(sources, main=away)):
            waits.append(clock.seconds - last)
            last = clock.seconds
        else:
            clock.put_forward(10)
    await away.close()
    assert (lambda_.order, state(url)[0]) == ([], [])
    # It asks again soon after it began, and not all the time after an hour.
    assert 10 < len(waits) < 200
    assert max(waits) < HOUR / 8
    back = clock.seconds
    while lambda_.count(lambda_.url):
        if not await lambda_.poll(sources):
            clock.put_forward(10)
    assert clock.seconds - back <= HOUR / 8
    for group in groups:
        assert [id for id in lambda_.order if id.startswith(group)] == [f"{group}{n:02}" for n in range(12)]
    assert [(item[0], item[1]) for item in state(url)[0]] == [("a", "11"), ("b", "11"), ("c", "11")]
    assert lambda_.count(lambda_.url.replace("events", "dead")) == 0
    assert await lambda_.queue.list_dead_letters(10) == []


def test_a_queue_keeps_its_events_for_as_long_as_sqs_can() -> None:
    made = deployed()
    assert made["MessageRetentionPeriod"] == DAYS_KEPT * 24 * HOUR
    receives = made["RedrivePolicy"]["maxReceiveCount"]
    assert sum(wait_seconds(each) for each in range(1, receives)) > made["MessageRetentionPeriod"]
    # A worker that dies of an event does not shorten its visibility; it must reach the dead letters before it expires.
    assert receives * made["VisibilityTimeout"] < made["MessageRetentionPeriod"]


def test_a_group_waits_for_a_tenth_of_the_time_since_its_first_failure() -> None:
    since = 0
    for receives in range(1, 500):
        wait = wait_seconds(receives)
        assert wait == pytest.approx(min(HOUR, 5 + since / 10), abs=2)
        since += wait
    assert [wait_seconds(each) for each in (1, 10, 1_000)] == [5, 12, HOUR]


async def test_while_sqs_is_away_too_records_are_given_back_all_the_same() -> None:
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.01)
    lost = Sources(away, away, None, None)  # type: ignore[arg-type]
    queue = SqsQueue(
        "http://127.0.0.1:1/1/q.fifo", TablesQueue(away, "events"), region="x", endpoint="http://127.0.0.1:1"
    )
    records = [{"messageId": "m1", "receiptHandle": "r", "body": json.dumps(upserted("1", "a"))}]
    assert await worker.partial_response(lost, queue, records) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    await away.close()
