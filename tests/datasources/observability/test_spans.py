"""Recording: what becomes a span of which call, what is forgotten, and that nothing is made where nobody wants it."""

import asyncio

import pytest

from datasources.observability import spans
from datasources.observability.spans import (
    CLIENT,
    INTERNAL,
    MOST,
    SERVER,
    answered,
    exporting,
    recorded,
    recording,
    spanned,
    worked,
)
from datasources.observability.trace_context import Origin
from datasources.request import Call
from tests.fixtures.spans import PARENT, TRACE, Kept

MARK = "marked-5d1e"


class RowQuotedError(Exception):
    """An error as drivers have them: it quotes a row, and has a code."""

    sqlstate = "23514"


def test_nothing_is_made_where_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*_: object, **__: object) -> None:
        raise AssertionError("a span was made")

    monkeypatch.setattr(spans, "Span", made)
    with recorded("call", SERVER, Call()) as whole, spanned("part", CLIENT, {"a": 1}) as span:
        span.note("b", 2)
    assert (whole, recording()) == (None, None)
    # The same object each time: a statement costs no allocation.
    assert spanned("part", CLIENT) is spanned("other", CLIENT)


def test_parts_stand_under_their_call_in_the_order_in_which_they_ended() -> None:
    kept = Kept()
    with exporting(kept), recorded("call", SERVER, Call("r", trace=TRACE, parent=PARENT)) as whole:
        with spanned("first", CLIENT, {"a": 1}) as span, spanned("second", CLIENT):
            span.note("b", 2)
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
        with spanned(name, CLIENT):
            await asyncio.sleep(0)

    async def call(name: str) -> None:
        with recorded(name, SERVER, Call(name)):
            await asyncio.gather(part(f"{name}1"), part(f"{name}2"))

    with exporting(kept):
        await asyncio.gather(call("a"), call("b"))
    assert {each.root.name: [span.name for span in each.spans] for each in kept.recordings} == {
        "a": ["a1", "a2"], "b": ["b1", "b2"],
    }  # fmt: skip


async def test_a_task_that_outlives_its_call_records_nothing_more() -> None:
    kept, go = Kept(), asyncio.Event()

    async def late() -> None:
        with spanned("begun before", CLIENT):
            await go.wait()
        assert recording() is None

    with exporting(kept):
        with recorded("call", SERVER, Call()):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        go.set()
        await task
    assert [each.spans for each in kept.recordings] == [[]]


def test_what_is_over_is_counted() -> None:
    kept = Kept()
    with exporting(kept), recorded("call", SERVER, Call()):
        for number in range(MOST + 3):
            with spanned(str(number), CLIENT):
                pass
    (whole,) = kept.recordings
    assert (len(whole.spans), whole.spans[-1].name, whole.dropped) == (MOST, str(MOST - 1), 3)


def test_an_error_is_told_by_its_kind_and_code_and_never_by_its_words() -> None:
    kept = Kept()
    with exporting(kept), pytest.raises(RowQuotedError), recorded("call", SERVER, Call()), spanned("part", CLIENT):
        raise RowQuotedError(MARK)
    (whole,) = kept.recordings
    for span in (whole.root, *whole.spans):
        assert (span.error, span.fault) == ("RowQuotedError", True)
        assert span.attributes == {"db.response.status_code": "23514"}
    assert MARK not in repr((whole.root, whole.spans))


def test_who_cancels_is_not_at_fault() -> None:
    kept = Kept()
    with exporting(kept), pytest.raises(asyncio.CancelledError), recorded("call", SERVER, Call()):
        raise asyncio.CancelledError
    assert (kept.recordings[0].root.error, kept.recordings[0].root.fault) == ("Cancelled", False)


@pytest.mark.parametrize(("seconds", "told"), [(3_600.0, []), (0.0, ["short"])])
def test_what_was_short_is_not_kept(seconds: float, told: list[str]) -> None:
    kept = Kept()
    with exporting(kept), recorded("call", SERVER, Call()), spanned("short", INTERNAL, at_least=seconds):
        pass
    assert [span.name for span in kept.recordings[0].spans] == told


def test_what_was_short_and_failed_is_kept() -> None:
    kept = Kept()
    with (
        exporting(kept),
        recorded("call", SERVER, Call()),
        pytest.raises(TimeoutError),
        spanned("short", INTERNAL, at_least=3_600.0),
    ):
        raise TimeoutError
    assert [span.error for span in kept.recordings[0].spans] == ["TimeoutError"]


def test_a_round_without_work_is_forgotten_unless_it_fails() -> None:
    kept = Kept()
    with exporting(kept):
        for count in (0, 3):
            with recorded(f"round {count}", INTERNAL, Call(), kept=False) as whole:
                worked(whole, "stackflow.rows", count)
        with pytest.raises(OSError, match="lost"), recorded("lost", INTERNAL, Call(), kept=False):
            raise OSError("lost")
    assert [(each.root.name, each.root.attributes) for each in kept.recordings] == [
        ("round 3", {"stackflow.rows": 3}), ("lost", {}),
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "error", "fault"), [(200, "", False), (403, "403", False), (503, "503", True)])
def test_a_status_of_the_server_is_its_fault(status: int, error: str, fault: bool) -> None:
    kept = Kept()
    with exporting(kept), recorded("call", SERVER, Call()) as whole:
        answered(whole, status)
    (root,) = [each.root for each in kept.recordings]
    assert (root.error, root.fault, root.attributes) == (error, fault, {"http.response.status_code": status})


def test_a_call_that_the_exporter_does_not_want_is_not_recorded() -> None:
    class Choosy(Kept):
        def origin(self, call: Call) -> Origin | None:
            return super().origin(call) if call.sampled else None

    kept = Choosy()
    with exporting(kept):
        with recorded("unsampled", SERVER, Call()) as whole:
            assert (whole, recording()) == (None, None)
        with recorded("sampled", SERVER, Call(sampled=True)):
            pass
    assert [each.root.name for each in kept.recordings] == ["sampled"]
