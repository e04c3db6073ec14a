"""Recording: what becomes a span of which call, what is forgotten, and that nothing is made where nobody wants it."""

import asyncio

import pytest

from datasources.observability import spans
from datasources.observability.spans import (
    CLIENT,
    INTERNAL,
    MAX_SPANS,
    SERVER,
    current_recording,
    record_call,
    record_span,
    record_status,
    record_work,
    use_exporter,
)
from datasources.observability.trace_context import TraceContext
from datasources.request import RequestContext
from tests.fixtures.spans import PARENT, TRACE, Kept

MARK = "marked-5d1e"


class RowQuotedError(Exception):
    """An error as drivers have them: it quotes a row, and has a code."""

    sqlstate = "23514"


def test_nothing_is_made_where_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*_: object, **__: object) -> None:
        raise AssertionError("a span was made")

    monkeypatch.setattr(spans, "Span", made)
    with record_call("call", SERVER, RequestContext()) as whole, record_span("part", CLIENT, {"a": 1}) as span:
        span.set_attribute("b", 2)
    assert (whole, current_recording()) == (None, None)
    # The same object each time: a statement costs no allocation.
    assert record_span("part", CLIENT) is record_span("other", CLIENT)


def test_parts_stand_under_their_call_in_the_order_in_which_they_ended() -> None:
    kept = Kept()
    with use_exporter(kept), record_call("call", SERVER, RequestContext("r", trace=TRACE, parent=PARENT)) as whole:
        with record_span("first", CLIENT, {"a": 1}) as span, record_span("second", CLIENT):
            span.set_attribute("b", 2)
        assert kept.recordings == []
    assert kept.recordings == [whole]
    assert whole is not None
    assert [(each.name, each.kind, each.parent) for each in (whole.root, *whole.spans)] == [
        ("call", SERVER, PARENT), ("second", CLIENT, whole.root.id), ("first", CLIENT, whole.root.id),
    ]  # fmt: skip
    second, first = whole.spans
    assert first.attributes == {"a": 1, "b": 2}
    begins = [whole.root.begin_ns, first.begin_ns, second.begin_ns]
    ends = [second.end_ns, first.end_ns, whole.root.end_ns]
    assert [*begins, *ends] == sorted([*begins, *ends])
    assert len({each.id for each in (whole.root, first, second)}) == 3


async def test_tasks_of_a_call_are_parts_of_it_and_no_other_call_is() -> None:
    kept = Kept()

    async def part(name: str) -> None:
        with record_span(name, CLIENT):
            await asyncio.sleep(0)

    async def call(name: str) -> None:
        with record_call(name, SERVER, RequestContext(name)):
            await asyncio.gather(part(f"{name}1"), part(f"{name}2"))

    with use_exporter(kept):
        await asyncio.gather(call("a"), call("b"))
    assert {each.root.name: [span.name for span in each.spans] for each in kept.recordings} == {
        "a": ["a1", "a2"], "b": ["b1", "b2"],
    }  # fmt: skip


async def test_a_task_that_outlives_its_call_records_nothing_more() -> None:
    kept, go = Kept(), asyncio.Event()

    async def late() -> None:
        with record_span("begun before", CLIENT):
            await go.wait()
        assert current_recording() is None

    with use_exporter(kept):
        with record_call("call", SERVER, RequestContext()):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        go.set()
        await task
    assert [each.spans for each in kept.recordings] == [[]]


def test_what_is_over_is_counted() -> None:
    kept = Kept()
    with use_exporter(kept), record_call("call", SERVER, RequestContext()):
        for number in range(MAX_SPANS + 3):
            with record_span(str(number), CLIENT):
                pass
    (whole,) = kept.recordings
    assert (len(whole.spans), whole.spans[-1].name, whole.dropped) == (MAX_SPANS, str(MAX_SPANS - 1), 3)


def test_an_error_is_told_by_its_kind_and_code_and_never_by_its_words() -> None:
    kept = Kept()
    with (
        use_exporter(kept),
        pytest.raises(RowQuotedError),
        record_call("call", SERVER, RequestContext()),
        record_span("part", CLIENT),
    ):
        raise RowQuotedError(MARK)
    (whole,) = kept.recordings
    for span in (whole.root, *whole.spans):
        assert (span.error, span.fault) == ("RowQuotedError", True)
        assert span.attributes == {"db.response.status_code": "23514"}
    assert MARK not in repr((whole.root, whole.spans))


def test_who_cancels_is_not_at_fault() -> None:
    kept = Kept()
    with use_exporter(kept), pytest.raises(asyncio.CancelledError), record_call("call", SERVER, RequestContext()):
        raise asyncio.CancelledError
    assert (kept.recordings[0].root.error, kept.recordings[0].root.fault) == ("Cancelled", False)


@pytest.mark.parametrize(("seconds", "told"), [(3_600.0, []), (0.0, ["short"])])
def test_what_was_short_is_not_kept(seconds: float, told: list[str]) -> None:
    kept = Kept()
    with (
        use_exporter(kept),
        record_call("call", SERVER, RequestContext()),
        record_span("short", INTERNAL, at_least=seconds),
    ):
        pass
    assert [span.name for span in kept.recordings[0].spans] == told


def test_what_was_short_and_failed_is_kept() -> None:
    kept = Kept()
    with (
        use_exporter(kept),
        record_call("call", SERVER, RequestContext()),
        pytest.raises(TimeoutError),
        record_span("short", INTERNAL, at_least=3_600.0),
    ):
        raise TimeoutError
    assert [span.error for span in kept.recordings[0].spans] == ["TimeoutError"]


def test_a_round_without_work_is_forgotten_unless_it_fails() -> None:
    kept = Kept()
    with use_exporter(kept):
        for count in (0, 3):
            with record_call(f"round {count}", INTERNAL, RequestContext(), keep_idle=False) as whole:
                record_work(whole, "stackflow.rows", count)
        with pytest.raises(OSError, match="lost"), record_call("lost", INTERNAL, RequestContext(), keep_idle=False):
            raise OSError("lost")
    assert [(each.root.name, each.root.attributes) for each in kept.recordings] == [
        ("round 3", {"stackflow.rows": 3}), ("lost", {}),
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "error", "fault"), [(200, "", False), (403, "403", False), (503, "503", True)])
def test_a_status_of_the_server_is_its_fault(status: int, error: str, fault: bool) -> None:
    kept = Kept()
    with use_exporter(kept), record_call("call", SERVER, RequestContext()) as whole:
        record_status(whole, status)
    (root,) = [each.root for each in kept.recordings]
    assert (root.error, root.fault, root.attributes) == (error, fault, {"http.response.status_code": status})


def test_a_call_that_the_exporter_does_not_want_is_not_recorded() -> None:
    class Choosy(Kept):
        def trace_context(self, call: RequestContext) -> TraceContext | None:
            return super().trace_context(call) if call.sampled else None

    kept = Choosy()
    with use_exporter(kept):
        with record_call("unsampled", SERVER, RequestContext()) as whole:
            assert (whole, current_recording()) == (None, None)
        with record_call("sampled", SERVER, RequestContext(sampled=True)):
            pass
    assert [each.root.name for each in kept.recordings] == ["sampled"]
