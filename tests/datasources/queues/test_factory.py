"""Which queues are opened by which settings."""

import subprocess
import sys

import pytest

from datasources.aurora.driver.database import Database
from datasources.config import QueueSettings
from datasources.queues.factory import open_queues
from datasources.queues.port import NewMessage
from datasources.queues.sqs.queue import SqsQueue
from datasources.queues.tables.queue import TablesQueue
from tests.fixtures.event_stores import url

__all__ = ["url"]

NAMES = ["events", "remediation_p1", "remediation_standard", "notifications"]

IMPORTED = """
import sys
from datasources.aurora.driver.database import Database
from datasources.queues.factory import open_queues
open_queues(Database("main", "postgresql://h/d"))
print([name for name in ("boto3", "botocore", "datasources.queues.sqs.queue") if name in sys.modules])
"""


def test_without_urls_every_queue_is_tables() -> None:
    queues = open_queues(Database("main", "postgresql://h/d"))
    assert [type(getattr(queues, name)) for name in NAMES] == [TablesQueue] * 4


def test_without_urls_nothing_of_sqs_is_imported() -> None:
    shown = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_url_makes_its_own_queue_sqs_and_no_other(name: str) -> None:
    settings = QueueSettings(**{name: "https://sqs/1/q.fifo"}, region="eu-west-1")
    queues = open_queues(Database("main", "postgresql://h/d"), settings)
    assert {each: type(getattr(queues, each)) for each in NAMES} == dict.fromkeys(NAMES, TablesQueue) | {name: SqsQueue}


async def test_what_is_sent_to_one_is_received_from_no_other(url: str) -> None:
    main = Database("main", url)
    queues = open_queues(main)
    for name in NAMES:
        await getattr(queues, name).send([NewMessage("g", "one id", name)])
    for name in NAMES:
        assert [each.body for each in await getattr(queues, name).receive(10, 0)] == [name]
    await main.close()
