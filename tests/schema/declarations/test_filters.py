"""Filters: every operator, their combinations and relations, as a client writes them."""

from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.operations import CHANGE, INCIDENT, ITEM, TEAM, USER, Operations, opened, uuid


@pytest.fixture(scope="module")
async def filtered(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "filters") as operations:
        operations.write(
            f"UPDATE configuration_items SET attributes = '{{\"os\": \"linux\"}}' WHERE id = '{uuid(ITEM, 3)}'"
        )
        yield operations


CHANGES = {
    # Text.
    '{number: {eq: "CHG2"}}': "2",
    '{number: {eq: "chg2"}}': "",
    '{number: {in: ["CHG2", "CHG4", "CHG9"]}}': "24",
    "{number: {in: []}}": "",
    "{not: {number: {in: []}}}": "1234",
    "{state: {in: []}}": "",
    "{id: {in: []}}": "",
    "{team: {key: {in: []}}}": "",
    '{title: {contains: "RE"}}': "3",
    '{title: {contains: "R", startsWith: "r"}}': "23",
    '{title: {startsWith: "up"}}': "1",
    '{title: {contains: "%"}}': "4",
    '{title: {contains: "0_"}}': "",
    '{title: {contains: "%_"}}': "4",
    '{title: {contains: "\\\\"}}': "",
    """{title: {eq: "' OR true --"}}""": "",
    '{title: {eq: "%(keys)s"}}': "",
    "{title: {isNull: true}}": "",
    "{title: {isNull: false}}": "1234",
    # Enumerations.
    "{type: {eq: NORMAL}}": "14",
    "{type: {in: [STANDARD, EMERGENCY]}}": "23",
    "{state: {eq: COMPLETED}, risk: {eq: HIGH}}": "1",
    "{risk: {in: [LOW, MEDIUM, UNKNOWN]}}": "234",
    # Moments, at the very border.
    '{plannedStart: {gt: "2026-03-01T10:00:00Z"}}': "2",
    '{plannedStart: {gte: "2026-03-01T10:00:00Z"}}': "12",
    '{plannedStart: {lt: "2026-03-01T10:00:00Z"}}': "3",
    '{plannedStart: {lte: "2026-03-01T11:00:00+01:00"}}': "13",
    "{plannedStart: {isNull: true}}": "4",
    "{plannedEnd: {isNull: true}}": "34",
    "{plannedEnd: {isNull: false}}": "12",
    '{plannedEnd: {gte: "2026-03-01T00:00:00Z", lt: "2026-04-01T00:00:00Z"}}': "1",
    '{updatedAt: {lt: "2026-02-15T00:00:00Z"}}': "23",
    # Ids.
    f'{{id: {{eq: "chg_{uuid(CHANGE, 2)}"}}}}': "2",
    f'{{id: {{in: ["chg_{uuid(CHANGE, 1)}", "chg_{uuid(CHANGE, 99)}"]}}}}': "1",
    # Relations.
    '{team: {key: {eq: "platform"}}}': "23",
    "{team: {}}": "123",
    f'{{team: {{id: {{eq: "team_{uuid(TEAM, 1)}"}}}}}}': "1",
    '{assignee: {key: {eq: "bob"}}}': "2",
    "{assignee: {active: {eq: false}}}": "",
    '{assignee: {teams: {some: {key: {eq: "payments"}}}}}': "1",
    '{configurationItems: {some: {name: {eq: "shop"}}}}': "12",
    '{configurationItems: {none: {name: {eq: "shop"}}}}': "34",
    "{configurationItems: {none: {}}}": "4",
    '{configurationItems: {some: {name: {eq: "shop"}}, none: {name: {eq: "ledger"}}}}': "2",
    '{configurationItems: {some: {class: {eq: "database"}}}}': "13",
    '{configurationItems: {some: {owner: {key: {eq: "platform"}}}}}': "3",
    '{configurationItems: {some: {changes: {some: {number: {eq: "CHG2"}}}}}}': "12",
    "{incidents: {some: {priority: {eq: 2}}}}": "1",
    "{incidents: {none: {}}}": "234",
    # Combinations; what is unknown counts as not holding, so `not` has it.
    "{}": "1234",
    "{and: []}": "1234",
    "{or: []}": "",
    "{not: {}}": "",
    "{not: {or: []}}": "1234",
    "{or: [{}]}": "1234",
    '{team: {key: {eq: "nobody"}}}': "",
    '{or: [{number: {eq: "CHG1"}}, {risk: {eq: LOW}}]}': "12",
    "{and: [{state: {eq: COMPLETED}}, {not: {type: {eq: NORMAL}}}]}": "3",
    '{not: {plannedEnd: {gt: "2026-04-01T00:00:00Z"}}}': "134",
    "{not: {not: {state: {eq: PROPOSED}}}}": "4",
    '{not: {or: [{number: {eq: "CHG1"}}, {number: {eq: "CHG2"}}]}, title: {contains: "redis"}}': "3",
    # Rows that are related to none.
    "{team: {id: {isNull: true}}}": "4",
    "{team: {id: {isNull: false}}}": "123",
    '{team: {or: [{id: {isNull: true}}, {key: {eq: "platform"}}]}}': "234",
    '{team: {id: {isNull: true}, key: {eq: "platform"}}}': "",
    "{not: {assignee: {id: {isNull: true}}}}": "12",
}


@pytest.mark.parametrize("filter_", CHANGES)
async def test_changes(filtered: Operations, filter_: str) -> None:
    """Pages and counts agree, in one statement each."""
    answer = await filtered.ask(
        f"{{ changes(filter: {filter_}, orderBy: {{field: NUMBER}}) {{ totalCount nodes {{ number }} }} }}"
    )
    assert answer.errors == []
    assert "".join(each["number"][3:] for each in answer.data["changes"]["nodes"]) == CHANGES[filter_]
    assert answer.data["changes"]["totalCount"] == len(CHANGES[filter_])
    assert answer.statements == 2


ITEMS = {
    '{changes: {some: {number: {eq: "CHG1"}}}}': ["ledger", "shop"],
    "{changes: {none: {}}}": ["attic"],
    "{changes: {some: {type: {eq: EMERGENCY}}}}": ["redis"],
    '{changes: {some: {team: {key: {eq: "platform"}}}, none: {number: {eq: "CHG1"}}}}': ["redis"],
    "{incidents: {some: {state: {in: [NEW, CLOSED]}}}}": ["ledger", "redis"],
    "{incidents: {none: {}}, changes: {some: {}}}": ["shop"],
    '{class: {eq: "database"}}': ["ledger", "redis"],
    '{class: {in: ["cache", "service"]}}': ["attic", "redis", "shop"],
    '{owner: {key: {eq: "payments"}}}': ["ledger", "shop"],
    "{not: {owner: {}}}": ["attic"],
    '{attributes: {holds: {os: "linux"}}}': ["redis"],
    '{attributes: {holds: {os: "linux", cpu: 1}}}': [],
    # Any document may be asked for, also one that no item has.
    "{attributes: {holds: []}}": [],
    '{attributes: {holds: ["os"]}}': [],
    "{attributes: {holds: 1}}": [],
    "{attributes: {holds: {}}}": ["attic", "ledger", "redis", "shop"],
    "{owner: {id: {isNull: true}}}": ["attic"],
    "{not: {owner: {id: {isNull: true}}}}": ["ledger", "redis", "shop"],
    "{status: {eq: ACTIVE}, environment: {in: [UNKNOWN]}, criticality: {eq: MEDIUM}}": [
        "attic",
        "ledger",
        "redis",
        "shop",
    ],
}


@pytest.mark.parametrize("filter_", ITEMS)
async def test_configuration_items(filtered: Operations, filter_: str) -> None:
    data = await filtered.data(f"{{ configurationItems(filter: {filter_}) {{ totalCount nodes {{ name }} }} }}")
    assert [each["name"] for each in data["configurationItems"]["nodes"]] == ITEMS[filter_]
    assert data["configurationItems"]["totalCount"] == len(ITEMS[filter_])


INCIDENTS = {
    "{priority: {eq: 2}}": "1",
    "{priority: {in: [2, 3]}}": "13",
    "{priority: {gt: 2}}": "3",
    "{priority: {gte: 2}}": "13",
    "{priority: {lt: 3}}": "1",
    "{priority: {lte: 3, gt: 2}}": "3",
    '{category: {eq: ""}}': "13",
    '{assignee: {key: {eq: "ada"}}}': "1",
    "{not: {assignee: {}}}": "3",
    "{change: {risk: {eq: HIGH}}}": "1",
    '{change: {configurationItems: {some: {name: {eq: "redis"}}}}}': "",
    '{configurationItems: {some: {name: {eq: "redis"}}}}': "3",
    f'{{id: {{in: ["inc_{uuid(INCIDENT, 1)}"]}}}}': "1",
}


@pytest.mark.parametrize("filter_", INCIDENTS)
async def test_incidents(filtered: Operations, filter_: str) -> None:
    data = await filtered.data(
        f"{{ incidents(filter: {filter_}, orderBy: {{field: NUMBER}}) {{ nodes {{ number }} }} }}"
    )
    assert "".join(each["number"][3:] for each in data["incidents"]["nodes"]) == INCIDENTS[filter_]


USERS = {
    "{active: {eq: true}}": ["ada", "bob"],
    "{active: {eq: false}}": ["cyd"],
    '{email: {contains: "EXAMPLE.org"}}': ["ada", "bob"],
    '{name: {startsWith: "b"}}': ["bob"],
    '{key: {in: ["cyd", "ada"]}}': ["ada", "cyd"],
    f'{{id: {{eq: "user_{uuid(USER, 2)}"}}}}': ["bob"],
    '{teams: {some: {key: {eq: "platform"}}}}': ["ada", "bob"],
    '{teams: {none: {key: {eq: "payments"}}}}': ["bob", "cyd"],
}


@pytest.mark.parametrize("filter_", USERS)
async def test_users(filtered: Operations, filter_: str) -> None:
    data = await filtered.data(f"{{ users(filter: {filter_}) {{ totalCount nodes {{ key }} }} }}")
    assert [each["key"] for each in data["users"]["nodes"]] == USERS[filter_]
    assert data["users"]["totalCount"] == len(USERS[filter_])


DOCUMENTS = {
    "{kind: {eq: RUNBOOK}}": ["KB1"],
    '{title: {contains: "PAY"}}': ["KB2"],
    '{source: {eq: "wiki"}, updatedAt: {gt: "2026-01-01T00:00:00Z"}}': ["KB2"],
    '{key: {startsWith: "kb"}}': ["KB1", "KB2", "KB3"],
    '{configurationItems: {some: {name: {eq: "ledger"}}}}': ["KB1", "KB2"],
    "{configurationItems: {none: {}}}": ["KB3"],
}


@pytest.mark.parametrize("filter_", DOCUMENTS)
async def test_documents(filtered: Operations, filter_: str) -> None:
    data = await filtered.data(f"{{ documents(filter: {filter_}, orderBy: {{field: KEY}}) {{ nodes {{ key }} }} }}")
    assert [each["key"] for each in data["documents"]["nodes"]] == DOCUMENTS[filter_]


async def test_a_filter_of_a_link_and_by_variable(filtered: Operations) -> None:
    document = """query ($filter: ChangeFilter) { configurationItems { nodes { name
        changes(filter: $filter) { totalCount nodes { number } } } } }"""
    filter_ = {"or": [{"state": {"eq": "SCHEDULED"}}, {"plannedEnd": {"isNull": True}}]}
    answer = await filtered.ask(document, filter=filter_)
    assert answer.errors == []
    assert {each["name"]: each["changes"]["nodes"] for each in answer.data["configurationItems"]["nodes"]} == {
        "attic": [],
        "ledger": [],
        "redis": [{"number": "CHG3"}],
        "shop": [{"number": "CHG2"}],
    }
    assert answer.statements == 3


@pytest.mark.parametrize(
    ("filter_", "code"),
    [
        ('{id: {eq: "CHG1"}}', "BAD_USER_INPUT"),
        ('{id: {in: ["chg_x"]}}', "BAD_USER_INPUT"),
        ('{team: {id: {eq: ""}}}', "BAD_USER_INPUT"),
        ('{plannedStart: {gt: "2026-03-01T10:00:00"}}', "BAD_USER_INPUT"),
        ("{number: {in: [" + '"a" ' * 1_001 + "]}}", "LIMIT_EXCEEDED"),
    ],
)
async def test_values_that_cannot_be_are_refused_before_any_statement(
    filtered: Operations, filter_: str, code: str
) -> None:
    answer = await filtered.ask(f"{{ changes(filter: {filter_}) {{ nodes {{ id }} }} }}")
    assert answer.data == {"changes": None}
    assert answer.codes == [("changes", code)]
    assert answer.statements == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a\0b", "has a NUL character; remove it"), ("a\ud800b", "has half of a surrogate pair, which is no character")],
)
async def test_text_that_no_row_can_hold_is_refused_by_its_place(filtered: Operations, text: str, reason: str) -> None:
    answer = await filtered.ask(
        "query ($text: String) { changes(filter: {title: {eq: $text}}) { nodes { id } } users { totalCount } }",
        text=text,
    )
    assert answer.data == {"changes": None, "users": {"totalCount": 3}}
    assert answer.codes == [("changes", "BAD_USER_INPUT")]
    assert answer.errors[0]["message"].startswith(f"filter.title.eq {reason}")


IS_NULL = "leave it out; rows without a value are found by isNull: true"


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        ("{title: {contains: $null}}", f"filter.title.contains is null; {IS_NULL}"),
        ("{plannedEnd: {gt: null}}", f"filter.plannedEnd.gt is null; {IS_NULL}"),
        ("{plannedEnd: {isNull: null}}", "filter.plannedEnd.isNull is null; leave it out"),
        ("{team: {key: {in: $null}}}", f"filter.team.key.in is null; {IS_NULL}"),
        ("{or: [{state: {eq: null}}]}", "filter.or.state.eq is null; leave it out"),
        ("{state: null}", "filter.state is null; leave it out"),
        ("{team: null}", "filter.team is null; leave it out"),
        ("{and: null}", "filter.and is null; leave it out"),
        ("{not: null}", "filter.not is null; leave it out"),
        ("{incidents: {some: null}}", "filter.incidents.some is null; leave it out"),
    ],
)
async def test_a_null_does_not_take_a_condition_away(filtered: Operations, filter_: str, message: str) -> None:
    """Of a variable that was meant to hold a value, all rows would be left."""
    declared = "($null: [String!])" if "in: $null" in filter_ else "($null: String)" if "$null" in filter_ else ""
    answer = await filtered.ask(f"query {declared} {{ changes(filter: {filter_}) {{ totalCount }} }}", null=None)
    assert (answer.codes, answer.errors[0]["message"]) == ([("changes", "BAD_USER_INPUT")], message)
    assert answer.statements == 0


async def test_a_filter_that_is_null_is_no_filter(filtered: Operations) -> None:
    """What a client sends who leaves an optional filter empty."""
    for variables in ({}, {"f": None}):
        answer = await filtered.ask("query ($f: ChangeFilter) { changes(filter: $f) { totalCount } }", **variables)
        assert answer.data == {"changes": {"totalCount": 4}}


@pytest.mark.parametrize(
    ("connection", "filter_", "permission"),
    [
        ("configurationItems", "{incidents: {some: {}}}", "incidents:read"),
        ("configurationItems", "{not: {or: [{incidents: {none: {}}}]}}", "incidents:read"),
        ("configurationItems", "{changes: {none: {incidents: {some: {}}}}}", "incidents:read"),
        ("configurationItems", "{changes: {some: {}}}", "changes:read"),
        ("configurationItems", "{owner: {}}", "teams:read"),
        ("changes", "{configurationItems: {some: {}}}", "configuration-items:read"),
        ("changes", "{assignee: {}}", "users:read"),
        ("incidents", "{change: {}}", "changes:read"),
        ("documents", "{configurationItems: {some: {}}}", "configuration-items:read"),
        ("users", "{teams: {some: {}}}", "teams:read"),
    ],
)
async def test_a_filter_takes_the_permission_to_read_what_it_asks_about(
    filtered: Operations, connection: str, filter_: str, permission: str
) -> None:
    document = f"{{ {connection}(filter: {filter_}) {{ totalCount }} }}"
    assert (await filtered.ask(document)).errors == []
    answer = await filtered.asked_by(without=permission).ask(document)
    assert answer.data == {connection: None}
    assert answer.codes == [(connection, "FORBIDDEN")]
    assert answer.errors[0]["extensions"]["permission"] == permission
    assert answer.statements == 0
