"""Laws of paging: pages of any size make the whole, in both directions, whatever is written in between."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.operations import CHANGE, Operations, opened, pages, uuid
from tests.fixtures.profiles import examples

PAGED = 40
# Several share a start and some have none, so that ties are broken by id and nothing is lost among them.
MANY = f"""
INSERT INTO changes (id, number, title, planned_start, updated_at)
SELECT ('{CHANGE * 8}-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid,
       'PAGED' || lpad(((n * 7) % {PAGED})::text, 2, '0'), 'paged',
       CASE WHEN n % 5 > 0 THEN timestamptz '2026-01-01Z' + (n % 4) * interval '1 day' END,
       timestamptz '2026-01-01Z' + (n % 3) * interval '1 microsecond'
FROM generate_series(1, {PAGED}) n
"""
ONLY_PAGED = 'filter: {title: {startsWith: "paged"}}'
ORDERS = [
    f"orderBy: {{field: {field}, direction: {direction}}}"
    for field in ("NUMBER", "PLANNED_START", "UPDATED_AT")
    for direction in ("ASC", "DESC")
]


@pytest.fixture(scope="module")
async def paged(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "paging") as operations:
        operations.write(MANY)
        yield operations


async def whole(operations: Operations, order: str) -> list[str]:
    data = await operations.data(f"{{ changes(first: 500, {ONLY_PAGED}, {order}) {{ nodes {{ number }} }} }}")
    return [each["number"] for each in data["changes"]["nodes"]]


async def walk(operations: Operations, order: str, sizes: list[int], *, backwards: bool) -> list[list[str]]:
    """Every page, each with the next of `sizes` in turn; the last page says that nothing follows."""
    document = pages("changes", "number", f", {ONLY_PAGED}, {order}")
    found: list[list[str]] = []
    cursor: str | None = None
    while True:
        size = sizes[len(found) % len(sizes)]
        asked: dict[str, Any] = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        data = (await operations.data(document, **asked))["changes"]
        found.append([each["number"] for each in data["nodes"]])
        info = data["pageInfo"]
        assert info["hasNextPage" if backwards else "hasPreviousPage"] is (cursor is not None)
        if not info["hasPreviousPage" if backwards else "hasNextPage"]:
            return found
        cursor = info["startCursor" if backwards else "endCursor"]


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.sampled_from(ORDERS), sizes=st.lists(st.integers(4, 45), min_size=1, max_size=4), backwards=st.booleans()
)
async def test_pages_of_any_size_make_the_whole(
    paged: Operations, order: str, sizes: list[int], backwards: bool
) -> None:
    found = await walk(paged, order, sizes, backwards=backwards)
    if backwards:
        found.reverse()
    joined = [number for page in found for number in page]
    assert joined == await whole(paged, order)
    assert len(set(joined)) == PAGED
    assert all(found)


async def test_the_order_is_the_databases_with_ties_by_id(paged: Operations) -> None:
    """As a sort of all rows in Python."""
    data = await paged.data(f"{{ changes(first: 500, {ONLY_PAGED}) {{ nodes {{ id number plannedStart }} }} }}")
    nodes = data["changes"]["nodes"]
    assert nodes == sorted(nodes, key=lambda each: (each["plannedStart"] or "9", each["id"]), reverse=True)
    assert [each["plannedStart"] for each in nodes[:9]] == [None] * 8 + ["2026-01-04T00:00:00+00:00"]


@pytest.mark.parametrize(("first", "last"), [("PAGED00a", "PAGED33b")])
async def test_inserts_between_pages_neither_repeat_nor_skip(paged: Operations, first: str, last: str) -> None:
    document = pages("changes", "number", f", {ONLY_PAGED}, orderBy: {{field: NUMBER}}")
    before = await whole(paged, "orderBy: {field: NUMBER}")
    one = (await paged.data(document, first=10))["changes"]
    paged.write(
        f"INSERT INTO changes (id, number, title) VALUES ('{uuid(CHANGE, 801)}', '{first}', 'paged'), "
        f"('{uuid(CHANGE, 802)}', '{last}', 'paged')"
    )
    try:
        rest = (await paged.data(document, first=100, after=one["pageInfo"]["endCursor"]))["changes"]["nodes"]
        seen = [each["number"] for each in [*one["nodes"], *rest]]
        # What came in behind the cursor is not seen, what came in ahead of it is, and nothing else moved.
        assert seen == sorted([*before, last])
        # The row of a cursor may even be gone.
        paged.write(f"DELETE FROM changes WHERE number = '{last}'")
        cursor = one["pageInfo"]["endCursor"]
        paged.write(f"UPDATE changes SET number = 'gone' || number WHERE number = '{before[9]}'")
        rest = (await paged.data(document, first=100, after=cursor))["changes"]["nodes"]
        assert [each["number"] for each in rest][:2] == before[10:12]
    finally:
        paged.write("DELETE FROM changes WHERE number IN ('PAGED00a', 'PAGED33b')")
        paged.write("UPDATE changes SET number = substr(number, 5) WHERE number LIKE 'gone%'")


async def test_between_two_cursors(paged: Operations) -> None:
    document = pages("changes", "number", f", {ONLY_PAGED}, orderBy: {{field: NUMBER}}")
    every = await whole(paged, "orderBy: {field: NUMBER}")
    cursors = {
        each["node"]["number"]: each["cursor"]
        for each in (
            await paged.data(
                f"{{ changes(first: 500, {ONLY_PAGED}, orderBy: {{field: NUMBER}}) "
                "{ edges { cursor node { number } } } }"
            )
        )["changes"]["edges"]
    }
    between = {"after": cursors[every[4]], "before": cursors[every[9]]}
    data = (await paged.data(document, first=3, **between))["changes"]
    assert [each["number"] for each in data["nodes"]] == every[5:8]
    assert (data["pageInfo"]["hasNextPage"], data["pageInfo"]["hasPreviousPage"]) == (True, True)
    data = (await paged.data(document, last=3, **between))["changes"]
    assert [each["number"] for each in data["nodes"]] == every[6:9]
    assert data["pageInfo"]["startCursor"] == cursors[every[6]]
    assert data["pageInfo"]["endCursor"] == cursors[every[8]]


async def test_pages_of_a_link(paged: Operations) -> None:
    """Each parent has its own page; the cursor of one goes on from there."""
    document = """query ($after: String) { configurationItems(filter: {name: {in: ["shop", "ledger"]}}) { nodes { name
        changes(first: 1, after: $after) { nodes { number } pageInfo { hasNextPage endCursor } } } } }"""
    answer = await paged.ask(document)
    ledger, shop = (each["changes"] for each in answer.data["configurationItems"]["nodes"])
    assert (ledger["nodes"], ledger["pageInfo"]["hasNextPage"]) == ([{"number": "CHG1"}], False)
    assert (shop["nodes"], shop["pageInfo"]["hasNextPage"]) == ([{"number": "CHG2"}], True)
    assert answer.statements == 2
    data = await paged.data(document, after=shop["pageInfo"]["endCursor"])
    assert [each["changes"]["nodes"] for each in data["configurationItems"]["nodes"]] == [
        [{"number": "CHG1"}],
        [{"number": "CHG1"}],
    ]


async def test_what_is_not_selected_is_not_read(paged: Operations) -> None:
    counts = {}
    for selection in (
        "totalCount",
        "nodes { number }",
        "nodes { number } edges { cursor } pageInfo { endCursor }",
        "nodes { number } totalCount",
        "nodes { number } totalCount groups(by: STATE) { count }",
        "__typename",
    ):
        counts[selection] = (await paged.ask(f"{{ changes({ONLY_PAGED}) {{ {selection} }} }}")).statements
    assert list(counts.values()) == [1, 1, 1, 2, 3, 0]


async def test_total_count_is_of_all_pages(paged: Operations) -> None:
    data = await paged.data(f"{{ changes(first: 2, {ONLY_PAGED}) {{ totalCount nodes {{ number }} }} }}")
    assert (data["changes"]["totalCount"], len(data["changes"]["nodes"])) == (PAGED, 2)


async def test_an_empty_page_and_the_default_size(paged: Operations) -> None:
    data = await paged.data(
        f"""{{ none: changes(first: 0) {{ nodes {{ id }} pageInfo {{ hasNextPage startCursor endCursor }} }}
               default: changes({ONLY_PAGED}) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }}"""
    )
    assert data["none"] == {"nodes": [], "pageInfo": {"hasNextPage": True, "startCursor": None, "endCursor": None}}
    assert (len(data["default"]["nodes"]), data["default"]["pageInfo"]["hasNextPage"]) == (25, True)


CONNECTIONS = ("changes", "configurationItems", "documents", "incidents", "requirements", "teams", "users")


@pytest.mark.parametrize("connection", CONNECTIONS)
async def test_more_than_the_page_limit_is_refused(paged: Operations, connection: str) -> None:
    for argument in ("first", "last"):
        for size, selection in ((501, "nodes { id }"), (100_000, "totalCount"), (100_000, "nodes { id }")):
            answer = await paged.ask(f"{{ {connection}({argument}: {size}) {{ {selection} }} }}")
            assert answer.data == {connection: None}
            assert answer.codes == [(connection, "LIMIT_EXCEEDED")]
            extensions = answer.errors[0]["extensions"]
            assert (extensions["allowed"], extensions["argument"]) == (500, argument)
            assert answer.statements == 0


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("cursor", ["", "x", "bm90IGpzb24", "W10", "WyJuYW1lIixmYWxzZSwieCIsIm5vdC1hLXV1aWQiXQ", "é"])
async def test_malformed_cursors_are_refused(paged: Operations, connection: str, cursor: str) -> None:
    for argument in ("after", "before"):
        document = f"query ($cursor: String) {{ {connection}({argument}: $cursor) {{ nodes {{ id }} }} }}"
        answer = await paged.ask(document, cursor=cursor)
        assert answer.codes == [(connection, "BAD_USER_INPUT")]
        assert answer.errors[0]["extensions"]["argument"] == argument
        assert answer.statements == 0


async def test_a_cursor_of_another_order_is_refused(paged: Operations) -> None:
    data = await paged.data("{ changes(first: 1, orderBy: {field: NUMBER}) { pageInfo { endCursor } } }")
    cursor = data["changes"]["pageInfo"]["endCursor"]
    for order in ("", "orderBy: {field: UPDATED_AT}", "orderBy: {field: NUMBER, direction: DESC}"):
        answer = await paged.ask(f'{{ changes(after: "{cursor}" {order}) {{ nodes {{ id }} }} }}')
        assert answer.codes == [("changes", "BAD_USER_INPUT")]


async def test_a_cursor_whose_value_is_no_moment_is_refused(paged: Operations) -> None:
    """Well-formed but forged: only PostgreSQL can tell."""
    # ["updated_at", false, "never ever", a uuid]
    cursor = "WyJ1cGRhdGVkX2F0IixmYWxzZSwibmV2ZXIgZXZlciIsIjAwMDAwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJd"
    answer = await paged.ask(f'{{ changes(after: "{cursor}", orderBy: {{field: UPDATED_AT}}) {{ nodes {{ id }} }} }}')
    assert answer.codes == [("changes.nodes", "BAD_USER_INPUT")]


async def test_contradicting_and_negative_pages_are_refused(paged: Operations) -> None:
    for arguments in ("first: 1, last: 1", "first: -1", "last: -1"):
        answer = await paged.ask(f"{{ changes({arguments}) {{ nodes {{ id }} }} }}")
        assert answer.codes == [("changes", "BAD_USER_INPUT")]
        assert answer.statements == 0


FOUND = ("change", "configurationItem", "document", "incident", "requirement", "team", "user")


@pytest.mark.parametrize("field", FOUND)
@pytest.mark.parametrize("text", ["", "x", "chg_", "chg_1", f"chg_{uuid(chr(65), 1)}", "chg_{}", "_", "é_"])
async def test_malformed_ids_are_refused(paged: Operations, field: str, text: str) -> None:
    answer = await paged.ask(f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=text)
    assert answer.codes == [(field, "BAD_USER_INPUT")]
    assert answer.errors[0]["extensions"]["argument"] == "id"
    assert answer.statements == 0


@pytest.mark.parametrize("field", FOUND)
async def test_exactly_one_key_is_asked_for(paged: Operations, field: str) -> None:
    answer = await paged.ask(f"{{ {field} {{ id }} }}")
    assert answer.codes == [(field, "BAD_USER_INPUT")]


@pytest.mark.parametrize(
    ("field", "prefix"), list(zip(FOUND, ("chg", "ci", "doc", "inc", "req", "team", "user"), strict=True))
)
async def test_unknown_ids_are_null(paged: Operations, field: str, prefix: str) -> None:
    unknown = f"{prefix}_{uuid('0', 1)}"
    data = await paged.data(f'{{ {field}(id: "{unknown}") {{ id }} node(id: "{unknown}") {{ id }} }}')
    assert data == {field: None, "node": None}
