"""The demo loads once, says what is made up, and gives its flagship question an interesting answer."""

from demo.load import load_if_empty
from tests.fixtures.imports import Stores

DEPENDENTS = """
WITH RECURSIVE walk (id, depth) AS (
    SELECT configuration_item_id, 0 FROM incident_configuration_items l JOIN incidents i ON i.id = l.incident_id
    WHERE i.number = 'INC0001001' AND l.role = 'AFFECTED'
    UNION
    SELECT r.impact_to_id, w.depth + 1 FROM walk w JOIN relationships r ON r.impact_from_id = w.id WHERE w.depth < 3
), least AS (SELECT id, min(depth) AS depth FROM walk GROUP BY id)
"""


async def test_the_demo_loads_into_an_empty_system_only(stores: Stores) -> None:
    report = await load_if_empty(stores.main, stores.requirements)
    assert report is not None
    assert (report.total("rejected"), report.total("unresolved"), report.pending, report.linked) == (0, 0, 10, 19)
    tables = {
        "configuration_items": 115, "relationships": 263, "redundancy_groups": 20, "teams": 64, "users": 12,
        "incidents": 25, "changes": 10, "workflows": 4, "workflow_runs": 3, "documents": 6,
    }  # fmt: skip
    assert {table: stores.count(table) for table in tables} == tables
    assert stores.rows("SELECT count(*) FROM requirements", requirements=True) == [(12,)]
    assert await load_if_empty(stores.main, stores.requirements) is None
    assert stores.count("configuration_item_history") == 0


async def test_what_is_made_up_says_so(stores: Stores) -> None:
    await load_if_empty(stores.main, stores.requirements)
    unmarked = (
        "SELECT count(*) FROM configuration_items c JOIN configuration_item_keys k ON k.configuration_item_id = c.id"
        " WHERE k.source = 'demo' AND c.attributes ->> 'made_up' IS DISTINCT FROM 'true'"
    )
    assert stores.rows(unmarked) == [(0,)]
    for table in ("incidents", "changes", "workflows"):
        assert stores.rows(f"SELECT count(*) FROM {table} WHERE description NOT LIKE 'Made up%'") == [(0,)]
    assert stores.rows("SELECT count(*) FROM documents WHERE body NOT LIKE '%Made up for the demo%'") == [(0,)]


async def test_the_flagship_incident_has_an_interesting_answer(stores: Stores) -> None:
    await load_if_empty(stores.main, stores.requirements)
    depths = stores.rows(DEPENDENTS + "SELECT depth, count(*) FROM least GROUP BY 1 ORDER BY 1")
    assert depths == [(0, 2), (1, 1), (2, 9), (3, 5)]
    incidents = stores.rows(
        DEPENDENTS + "SELECT DISTINCT i.number FROM least JOIN incident_configuration_items l"
        " ON l.configuration_item_id = least.id JOIN incidents i ON i.id = l.incident_id"
        " WHERE least.depth > 0 AND i.state IN ('NEW', 'IN_PROGRESS', 'ON_HOLD') ORDER BY 1"
    )
    assert len(incidents) == 9
    changes = stores.rows(
        DEPENDENTS + "SELECT DISTINCT c.number FROM least JOIN change_configuration_items l"
        " ON l.configuration_item_id = least.id JOIN changes c ON c.id = l.change_id"
        " WHERE least.depth > 0 AND c.planned_start > '2030-01-01' ORDER BY 1"
    )
    assert [row[0] for row in changes] == ["CHG0000106", "CHG0000107", "CHG0000108", "CHG0000109", "CHG0000110"]
    owned = stores.rows(
        DEPENDENTS
        + "SELECT count(*) FROM least JOIN configuration_items c ON c.id = least.id WHERE owner_team_id IS NULL"
    )
    assert owned == [(0,)]
    # Two of three nodes are affected, and two are needed.
    groups = (
        "SELECT g.needed, count(r.id) FROM redundancy_groups g JOIN relationships r ON r.redundancy_group_id = g.id"
        " WHERE g.name = 'persistent redis nodes' GROUP BY g.id"
    )
    assert stores.rows(groups) == [(2, 3)]
    restricted = "SELECT i.number, t.key FROM incidents i JOIN teams t ON t.id = i.restricted_team_id"
    assert stores.rows(restricted) == [("INC0001006", "demo_security")]
