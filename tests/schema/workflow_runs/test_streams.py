"""Subscriptions tell of runs of workflows to those who may see their incident."""

import httpx
import pytest

from tests.fixtures.feeding import TEAM, Rows, id_of, number_of
from tests.fixtures.stream_stores import client, people, rows, sources, url
from tests.fixtures.streaming import stream

__all__ = ["client", "people", "rows", "sources", "url"]

RUNS = """subscription ($cursor: String) { changes(cursor: $cursor, kinds: [WORKFLOW_RUN]) {
  id step node { id } } }"""
TOLD = {"all": [11, 13], "member": [11, 12, 13], "seer": [11, 12, 13]}


@pytest.mark.parametrize("missed", [False, True], ids=["as it happens", "from a cursor"])
@pytest.mark.parametrize("who", TOLD)
async def test_a_run_is_told_to_who_sees_its_incident(
    client: httpx.AsyncClient, rows: Rows, missed: bool, who: str
) -> None:
    workflow = id_of(77)
    rows.connection.execute(
        "INSERT INTO workflows (id, key, name) VALUES (%s, 'mend', 'Mend') ON CONFLICT DO NOTHING", (workflow,)
    )
    rows.incident(1)
    rows.incident(2, TEAM)

    def happen() -> None:
        rows.connection.execute("DELETE FROM workflow_runs")
        for number, incident in ((11, id_of(1)), (12, id_of(2)), (13, None)):
            rows.connection.execute(
                "INSERT INTO workflow_runs (id, number, workflow_id, incident_id) VALUES (%s, %s, %s, %s)",
                (id_of(number), f"R{number}", workflow, incident),
            )

    begin = None
    if missed:
        async with stream(client, RUNS, "all") as events:
            begin = await events.begun()
        happen()
    async with stream(client, RUNS, who, cursor=begin) as events:
        if not missed:
            await events.begun()
            happen()
        entries = [await events.change() for _ in TOLD[who]]
        assert [(number_of(each), each["node"]["id"]) for each in entries] == [
            (number, f"run_{id_of(number)}") for number in TOLD[who]
        ]
        assert await events.is_silent(0.5)
