"""The two data sets import as their README says, and a second import changes nothing."""

import csv
import gzip
from datetime import datetime
from zoneinfo import ZoneInfo

from resolvers.imports.report import ImportReport, SectionReport
from tests.fixtures.imports import DATA, MAPPINGS, Stores, needs_data

REACH = """
WITH RECURSIVE walk (id, depth) AS (
    SELECT configuration_item_id, 0 FROM configuration_item_keys WHERE source = 'bpic14' AND key = 'SSW000101'
    UNION
    SELECT r.impact_to_id, w.depth + 1 FROM walk w JOIN relationships r ON r.impact_from_id = w.id WHERE w.depth < 50
)
SELECT count(*), max(depth) FROM (SELECT id, min(depth) AS depth FROM walk GROUP BY id) least WHERE depth > 0
"""


def section(report: ImportReport, title: str) -> SectionReport:
    return next(section for section in report.sections if section.title == title)


@needs_data
async def test_bpic14_imports_as_its_readme_says(stores: Stores) -> None:
    report = await stores.load(MAPPINGS / "bpic14.yaml", DATA)
    assert stores.count("incidents") == 4_000
    by_class = dict(
        stores.rows(
            "SELECT d.ancestor_key, count(*) FROM configuration_items c"
            " JOIN configuration_item_class_descendants d ON d.key = c.class_key"
            " WHERE d.ancestor_key IN ('bpic14', 'service_component') GROUP BY 1"
        )
    )
    assert by_class == {"bpic14": 754, "service_component": 185}
    assert stores.count("relationships") == 348
    assert stores.count("teams") == 195
    assert stores.count("incident_activities") == 39_911
    assert stores.count("changes") == 32
    assert stores.rows(REACH) == [(73, 5)]
    links = section(report, "relationships")
    assert (links.created, links.repeated, links.rejected, links.skipped) == (348, 263, 3_286, 103)
    assert len(stores.rejects) == 3_286
    # Nothing of the data stands in this test: what is expected is read from the file, in the plainest way.
    with gzip.open(DATA / "bpic14_sample" / "incident_case_attributes.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    alone = [line for line, row in enumerate(rows, start=2) if row["ci_name_aff"] == row["ci_name_cby"]]
    assert [row["line"] for row in stores.rejects] == alone
    assert {row["reason"].split("'")[2] for row in stores.rejects} == {" to itself"}
    facts = "count(*) FILTER (WHERE resolved_at IS NULL), count(reopened_at), count(change_id)"
    assert stores.rows(f"SELECT {facts} FROM incidents") == [(155, 183, 59)]
    zone = ZoneInfo("Europe/Amsterdam")
    opened = {row["incident_id"]: datetime.fromisoformat(row["open_time"]).replace(tzinfo=zone) for row in rows}
    assert dict(stores.rows("SELECT number, opened_at FROM incidents")) == opened
    again = await stores.load(MAPPINGS / "bpic14.yaml", DATA)
    assert again.changes_nothing
    assert (again.total("created"), again.total("changed"), again.total("rejected")) == (0, 0, 3_286)
    assert stores.count("configuration_item_history") == stores.count("relationship_history") == 0
    assert stores.rows("SELECT max(version) FROM incidents") == [(1,)]


@needs_data
async def test_gitlab_imports_with_its_ten_dangling_dependencies_reported(stores: Stores) -> None:
    report = await stores.load(MAPPINGS / "gitlab.yaml", DATA)
    assert stores.count("configuration_items") == 55
    assert stores.count("teams") == 63
    assert stores.count("documents") == 414
    catalog = section(report, "dependencies of the service catalog")
    assert (catalog.created, catalog.pending, catalog.rejected) == (27, 10, 14)
    assert sorted(example.split()[-1] for example in catalog.examples["pending"]) == (
        ["elasticsearch"] + ["postgres"] * 8 + ["prometheus"]
    )
    empty = [reason for _, reason in stores.reasons() if reason == "to is missing: column item.service is empty"]
    itself = [reason for _, reason in stores.reasons() if reason.endswith("to itself")]
    assert (len(empty), len(itself)) == (13, 3)
    assert section(report, "dependencies of the metrics catalog").created == 75
    assert section(report, "services").unresolved == 2
    runbooks = section(report, "services of runbooks")
    assert (runbooks.created, runbooks.pending, runbooks.rejected) == (275, 138, 1)
    history = stores.count("configuration_item_history")
    again = await stores.load(MAPPINGS / "gitlab.yaml", DATA)
    assert again.changes_nothing
    assert again.pending == stores.count("waiting_rows") == 148
    assert stores.count("configuration_item_history") == history


@needs_data
async def test_both_data_sets_live_side_by_side(stores: Stores) -> None:
    await stores.load(MAPPINGS / "gitlab.yaml", DATA)
    await stores.load(MAPPINGS / "bpic14.yaml", DATA)
    assert stores.count("configuration_items") == 55 + 754 + 185
    assert stores.count("relationships") == 102 + 348
    assert stores.rows(REACH) == [(73, 5)]
