"""The benchmark with peers: equal rows, refused differences, CPU time of processes, and ratios."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest

from bench.landscape import item_id
from bench.peers import postgraphile
from bench.peers.answers import AnswersDiffer, answer, canonical, difference, require_equal
from bench.peers.client import AnswerFailed, send_requests
from bench.peers.contenders import PeersMissing, contenders, require_installed
from bench.peers.data import Size, Stores, running_stores
from bench.peers.measurement import Measurement, measure_all
from bench.peers.plot import to_svg
from bench.peers.processes import Server, cpu_nanoseconds, difference_ms, pin, running_servers
from bench.peers.queries import QUERIES
from bench.peers.ratios import Ratio, ratios
from bench.peers.report import to_json

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc of Linux")
SMALL = Size(items=200, relationships=2_000, incidents=400, seed=3)
CONTENDERS = contenders(Path(sys.executable))
SHORT = [replace(each, requests=4) for each in QUERIES.values()]


@dataclass(frozen=True, slots=True)
class Bench:
    """The running stores and servers, and the tables that were loaded at the first and at the second start."""

    stores: Stores
    servers: list[Server]
    loaded: list[str]
    again: list[str]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    loaded: list[str] = []
    again: list[str] = []
    chosen = [CONTENDERS["stackflow"], CONTENDERS["handler"]]
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder, ExitStack() as stack:
        cache = Path(folder)
        # The server runs as another user, who must be able to enter it.
        cache.chmod(0o755)
        with running_stores(cache, SMALL, lambda table, _: loaded.append(table)):
            pass
        stores = stack.enter_context(running_stores(cache, SMALL, lambda table, _: again.append(table)))
        core = min(os.sched_getaffinity(0))
        servers = stack.enter_context(running_servers(chosen, stores, cache / "servers", core))
        yield Bench(stores, servers, loaded, again)


def test_rows_are_a_function_of_the_size(bench: Bench) -> None:
    with psycopg.connect(bench.stores.main) as main:
        counted = {
            table: main.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()[0][0]
            for table in (
                "configuration_items",
                "incidents",
                "relationships",
                "teams",
                "changes",
                "change_configuration_items",
            )
        }
        [(busy, links)] = main.execute(
            "SELECT count(*) FILTER (WHERE n >= 30), sum(n) FROM (SELECT count(*) AS n "
            "FROM incident_configuration_items GROUP BY configuration_item_id) x"
        ).fetchall()
    assert counted == {
        "configuration_items": 200,
        "incidents": 400,
        "relationships": 2_000,
        "teams": 200,
        "changes": 40,
        "change_configuration_items": 40,
    }
    assert (busy, links) == (100, 3_809)
    with psycopg.connect(bench.stores.requirements) as requirements:
        assert requirements.execute("SELECT count(*) FROM requirement_configuration_items").fetchall() == [(20,)]


def test_contenders_answer_every_query_alike(bench: Bench) -> None:
    assert require_equal(bench.servers, SHORT) == {
        "q1": 298,
        "q2": 56_305,
        "q3": 373_504,
        "q4": 13_891,
        "q5": 40_602,
        "q6": 119_560,
    }


def test_answers_hold_the_rows_that_a_query_is_about(bench: Bench) -> None:
    found = {query.key: answer(bench.servers[0], query) for query in SHORT}
    assert len(found["q2"]["configurationItems"]["nodes"]) == 200
    assert [len(each["incidents"]["nodes"]) for each in found["q3"]["configurationItems"]["nodes"]] == [20] * 100
    assert len(found["q5"]["incidents"]["edges"]) == 50
    touched = found["q6"]["incident"]["configurationItems"]["nodes"]
    assert [len(each["dependents"]["edges"]) for each in touched] == [25] * 10


def test_a_different_answer_is_refused(bench: Bench) -> None:
    def without_last(_: str, data: Any) -> Any:
        data["configurationItems"]["nodes"].pop()
        return data

    shorter = replace(bench.servers[1], contender=replace(CONTENDERS["handler"], normalize=without_last))
    with pytest.raises(AnswersDiffer, match="StackFlow and bare handler answer q2 differently at data"):
        require_equal([bench.servers[0], shorter], [QUERIES["q2"]])


def test_an_answer_without_rows_is_refused(bench: Bench) -> None:
    nothing = replace(QUERIES["q1"], variables={"id": "ci_00000000-0000-4000-8000-000000000000"})
    with pytest.raises(AnswersDiffer, match="answers q1 without rows"):
        require_equal(bench.servers, [nothing])


def test_an_answer_with_errors_fails_a_measurement(bench: Bench) -> None:
    body = json.dumps({"query": "{ nothing }"}).encode()
    with pytest.raises(AnswerFailed, match="nothing"):
        asyncio.run(send_requests(bench.servers[0].port, body, 3, 2))


def test_every_contender_query_and_round_is_measured(bench: Bench) -> None:
    found = measure_all(bench.servers, SHORT, bench.stores.pid, connections=2, rounds=2)
    assert len(found) == 2 * len(SHORT) * 2
    assert all(each.requests_per_second > 0 and each.server_cpu_ms > 0 for each in found)
    assert all(each.postgres_cpu_ms > 0 and each.p99_ms >= each.p50_ms > 0 for each in found)
    compared = ratios(found)
    assert {(each.query, each.peer) for each in compared} == {(query.key, "handler") for query in SHORT}
    assert len(compared) == 3 * len(SHORT)
    written = json.loads(to_json(SMALL, 2, found, compared, {"stackflow": 1.0}))
    assert (len(written["measurements"]), written["size"]["items"]) == (24, 200)
    picture = ElementTree.fromstring(to_svg(compared))  # noqa: S314
    assert len(picture.findall("{http://www.w3.org/2000/svg}circle")) == len(SHORT)


def test_cpu_time_of_children_and_threads_counts() -> None:
    spin = "import time\nwhile time.process_time() < .3: pass\ntime.sleep(20)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {spin!r}]).wait()"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        before, end = cpu_nanoseconds(child.pid), time.monotonic() + 15
        while difference_ms(before, cpu_nanoseconds(child.pid)) < 300 and time.monotonic() < end:
            time.sleep(0.05)
        core = min(os.sched_getaffinity(0))
        pin(child.pid, frozenset([core]))
        assert 300 <= difference_ms(before, cpu_nanoseconds(child.pid)) < 3_000
        assert os.sched_getaffinity(child.pid) == {core}
    finally:
        os.killpg(child.pid, 9)
        child.wait()


def test_canonical_answers_have_no_cursors_and_times_in_milliseconds() -> None:
    one = {"b": "2026-01-01T00:00:00Z", "cursor": "x", "a": [{"endCursor": None, "t": "2026-01-01T00:00:00.1239Z"}]}
    other = {"a": [{"t": "2026-01-01T00:00:00.123+00:00"}], "b": "2026-01-01T00:00:00.000Z"}
    assert (
        canonical(one)
        == canonical(other)
        == {
            "a": [{"t": "2026-01-01T00:00:00.123+00:00"}],
            "b": "2026-01-01T00:00:00.000+00:00",
        }
    )


def test_the_first_difference_is_named() -> None:
    assert difference({"a": [1, 2]}, {"a": [1, 2]}) is None
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == "data.a[1].b: 2 and 3"
    assert difference({"a": [1]}, {"a": []}) == "data.a: [1] and []"
    assert difference({"a": 1}, {"b": 1}) == 'data: {"a": 1} and {"b": 1}'


def test_ratios_are_paired_by_round() -> None:
    def measured(contender: str, round_: int, rate: float, server: float, postgres: float) -> Measurement:
        return Measurement(contender, "q1", round_, 4, rate, 1, 1, server, postgres, 0.5)

    found = ratios(
        [
            measured("stackflow", 0, 100, 2, 1),
            measured("yoga", 0, 50, 4, 2),
            measured("stackflow", 1, 10, 8, 4),
            measured("yoga", 1, 20, 4, 2),
            measured("stackflow", 2, 30, 2, 2),
            measured("yoga", 2, 30, 3, 1),
        ]
    )
    assert found == [
        Ratio("throughput", "q1", "yoga", 1.0, 0.5, 2.0),
        Ratio("server CPU", "q1", "yoga", 1.5, 0.5, 2.0),
        Ratio("server and PostgreSQL CPU", "q1", "yoga", 1.0, 0.5, 2.0),
    ]


def test_dependents_of_postgraphile_are_those_of_the_schema() -> None:
    def end(id_: str, *ends: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"rowId": id_, "name": id_.upper()}
        if ends:
            nodes = [{"configurationItemByImpactToId": each} for each in ends]
            found["relationshipsByImpactFromId"] = {"nodes": nodes}
        return found

    data = {"configurationItemByRowId": end("a", end("c"), end("b", end("b"), end("d")), end("a"), end("c"))}
    assert postgraphile.normalize("q4", data) == {
        "configurationItem": {
            "id": "ci_a",
            "name": "A",
            "dependents": {
                "nodes": [
                    {"id": "ci_b", "name": "B", "dependents": {"nodes": [{"id": "ci_d", "name": "D"}]}},
                    {"id": "ci_c", "name": "C"},
                ]
            },
        }
    }


def test_postgraphile_asks_by_the_ids_of_the_tables() -> None:
    text, variables = postgraphile.document(QUERIES["q1"])
    assert "configurationItemByRowId(rowId: $id)" in text
    assert variables == {"id": item_id(47)}


def test_missing_packages_are_named(tmp_path: Path) -> None:
    with pytest.raises(PeersMissing, match="packages of Strawberry are not installed; run make bench-peers"):
        require_installed([contenders(tmp_path / "python")["strawberry"]])


def test_rows_are_loaded_once(bench: Bench) -> None:
    assert bench.loaded[-1] == "incident_configuration_items"
    assert bench.again == []
