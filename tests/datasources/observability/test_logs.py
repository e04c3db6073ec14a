"""What a line says of a Lambda function, and what no line ever says."""

import asyncio
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import orjson
import pytest

from datasources.config import ObservabilitySettings
from datasources.errors import SourceRefused
from datasources.observability import logs
from datasources.observability.logs import JsonFormatter, format_error, mask_secrets

MARKER = "marker-7f3a"


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The loggers as they were, and no invocation yet."""
    root = logging.getLogger()
    names = ("stackflow", "stackflow.metrics", "stackflow.operations", "stackflow.events")
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in names}
    monkeypatch.setattr(logs, "_invocation", logs.Invocation())
    root.handlers = []
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name in names:
        logging.getLogger(name).setLevel(levels[name])


def test_on_lambda_a_line_names_the_function_its_version_and_the_call(
    restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", ObservabilitySettings("dev", function="StackFlowAPI", version="7"))
    for id in ("call-1", "call-2"):
        logs.begin_invocation(SimpleNamespace(aws_request_id=id))
        logging.getLogger("stackflow").info("hello")
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["function"], line["version"], line["invocation"], line["cold_start"]) for line in lines] == [
        ("StackFlowAPI", "7", "call-1", True),
        ("StackFlowAPI", "7", "call-2", False),
    ]


def test_off_lambda_a_line_names_none(restored: None, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logging.getLogger("stackflow").info("hello")
    (line,) = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert line.keys() == {"time", "level", "logger", "message"}


def test_metrics_are_written_at_any_level_of_logs(restored: None, capsys: pytest.CaptureFixture[str]) -> None:
    for seen in (ObservabilitySettings(), ObservabilitySettings(metrics=True)):
        logs.configure("ERROR", seen)
        for name in ("stackflow", "stackflow.operations", "stackflow.events", "stackflow.metrics"):
            logging.getLogger(name).info(name)
    assert [orjson.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == [
        "stackflow.operations", "stackflow.events", "stackflow.metrics",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        f"cannot reach postgresql://ada:{MARKER}@db.example/stackflow?sslmode=verify-full",
        f"cannot reach rediss://:{MARKER}@cache.example:6379/0",
        f"missing = after 'host=db password={MARKER} dbname=x'",
        f"missing = after \"password='{MARKER} with space'\"",
        f"401 for Authorization: Bearer {MARKER}.{MARKER}-x",
        f"Task exception was never retrieved future: <Task finished exception=UniqueViolation('title {MARKER}')>",
    ],
)
def test_credentials_and_words_of_errors_are_covered(text: str) -> None:
    assert MARKER in text
    assert MARKER not in mask_secrets(text)
    record = logging.makeLogRecord({"msg": text, "problem": text})
    line = JsonFormatter().format(record)
    assert MARKER not in line
    assert orjson.loads(line)["problem"] == orjson.loads(line)["message"]


def test_a_plain_line_stays_as_it_is() -> None:
    text = "the graph at wss://graph.example:8182/gremlin waits: https://a.example/x?y=me@b.example"
    assert mask_secrets(text) == text


def test_a_traceback_has_the_words_of_our_own_errors_only() -> None:
    try:
        try:
            raise ValueError(f"Failing row contains ({MARKER})")
        except ValueError as error:
            raise SourceRefused("main", "main refused a statement: CheckViolation") from error
    except SourceRefused as error:
        text = format_error(error)
    assert MARKER not in text
    assert "datasources.errors.SourceRefused: main refused a statement: CheckViolation\ncaused by\n" in text
    assert text.endswith("builtins.ValueError")
    assert text.count("test_a_traceback_has_the_words_of_our_own_errors_only") == 2


async def test_a_task_that_nobody_awaited_tells_no_words(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise ValueError(f"title {MARKER}")

    loop = asyncio.get_running_loop()
    task = asyncio.create_task(broken())
    await asyncio.wait({task})
    loop.call_exception_handler({"message": "never retrieved", "future": task, "exception": task.exception()})
    (record,) = caplog.records
    assert MARKER in record.getMessage()
    assert MARKER not in JsonFormatter().format(record)
