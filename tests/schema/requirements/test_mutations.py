"""Requirements written by mutation in the second database: exact rows, audit and outbox, rules, races and losses."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import free_port
from datasources.request import RequestContext
from resolvers.context import Context
from schema.declarations.fields import declared_fields
from schema.execution.execution import GraphQLRequest, execute_request
from schema.requirements.mutations import RequirementMutations
from tests.fixtures.databases import READER, person
from tests.fixtures.operations import ITEM, REQUIREMENT, Operations, opened
from tests.fixtures.operations import uuid as seeded
from tests.fixtures.writing import ADA, BOB, Writer, item, team

TRACES = ("requirements", "requirement_configuration_items", "outbox", "audit_entries")


@pytest.fixture(scope="module")
async def landscape(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "requirement_mutations") as operations:
        yield operations


@pytest.fixture
def writing(landscape: Operations) -> Writer:
    return Writer(landscape.sources, landscape.requirements_url, TRACES)


def requirement(number: int) -> str:
    return f"req_{seeded(REQUIREMENT, number)}"


async def made(writing: Writer, key: str, **input: Any) -> str:
    done = await writing.do("createRequirement", ADA, key=key, **({"title": "Up"} | input))
    assert done.errors == []
    return str(done.shown["id"])


async def test_a_requirement_is_made_and_told_in_its_own_database_alone(landscape: Operations, writing: Writer) -> None:
    main = Writer(landscape.sources, landscape.url)
    before = main.everything()
    done = await writing.do(
        "createRequirement", ADA, key=" REQ-17 ", title=" Up 99.9% ", description="Of a month.", kind="AVAILABILITY",
        priority="HIGH", configurationItemIds=[item(2), item(1), item(2)], idempotencyKey="made",
    )  # fmt: skip
    assert (done.errors, done.shown) == ([], {
        "id": done.shown["id"], "key": "REQ-17", "title": "Up 99.9%", "description": "Of a month.",
        "kind": "AVAILABILITY", "state": "PROPOSED", "priority": "HIGH", "version": 1,
        "configurationItems": {"nodes": [{"name": "ledger"}, {"name": "shop"}]},
    })  # fmt: skip
    [audit], [outbox] = writing.left(done.shown["id"])
    assert audit[:3] == ("CreateRequirement", "USER:ada", None)
    assert (audit[3]["key"], audit[3]["items"]) == ("REQ-17", [seeded(ITEM, 1), seeded(ITEM, 2)])
    assert outbox == ("REQUIREMENT", "CREATED", {}, True)
    signed = (
        "SELECT o.request_id, a.request_id FROM outbox o JOIN audit_entries a USING (entity_id) WHERE entity_id = %s"
    )
    assert writing.rows(signed, done.shown["id"][4:]) == [("req-1", "req-1")]
    assert writing.rows("SELECT key FROM idempotent_answers") == [("made",)]
    assert main.everything() == before


@pytest.mark.parametrize(
    ("input", "codes"),
    [
        ({"key": "REQ-1"}, [("TAKEN", "key")]),
        ({"key": " "}, [("INVALID", "key")]),
        ({"key": "a" * 501}, [("INVALID", "key")]),
        ({"title": ""}, [("INVALID", "title")]),
        ({"title": "a" * 501}, [("INVALID", "title")]),
        ({"title": "a\0"}, [("INVALID", "title")]),
        ({"description": "a" * 100_001}, [("INVALID", "description")]),
        ({"description": "a\0"}, [("INVALID", "description")]),
        ({"configurationItemIds": [item(1), item(9)]}, [("NOT_FOUND", "configurationItemIds")]),
        ({"configurationItemIds": [team(1)]}, [("INVALID", "configurationItemIds.0")]),
        ({"configurationItemIds": [f"ci_00000000-0000-7000-8000-{n:012d}" for n in range(501)]},
         [("INVALID", "configurationItemIds")]),
    ],
)  # fmt: skip
async def test_a_broken_rule_makes_nothing(writing: Writer, input: Any, codes: Any) -> None:
    before = writing.everything()
    done = await writing.do("createRequirement", ADA, **({"key": "broken", "title": "a"} | input))
    assert (done.shown, done.codes) == (None, codes)
    assert writing.everything() == before


async def test_the_longest_texts_can_be_stored(writing: Writer) -> None:
    words = " ".join(f"{n:x}" for n in range(40_000))[:100_000]
    done = await writing.do(
        "createRequirement", ADA, key="\U0001f600" * 500, title="\U0001f600" * 500, description=words
    )
    assert (done.errors, len(done.shown["description"])) == ([], 100_000)


async def test_it_is_reworded_and_only_the_difference_is_audited(writing: Writer) -> None:
    id = await made(writing, "anew")
    done = await writing.do("updateRequirement", BOB, id=id, expectedVersion=1, title="Up always", kind="PERFORMANCE")
    assert (done.shown["title"], done.shown["kind"], done.shown["version"]) == ("Up always", "PERFORMANCE", 2)
    _, (action, principal, before, after) = writing.left(id)[0]
    assert (action, principal) == ("UpdateRequirement", "USER:bob")
    assert before.keys() == after.keys() == {"id", "key", "title", "kind", "version", "updated_at"}
    assert (before["title"], after["title"]) == ("Up", "Up always")
    assert writing.outbox(id) == [("REQUIREMENT", "CREATED"), ("REQUIREMENT", "CHANGED")]


@pytest.mark.parametrize("field", ["title", "description", "kind", "priority"])
async def test_null_is_nothing_to_say(writing: Writer, field: str) -> None:
    before = writing.everything()
    done = await writing.do("updateRequirement", ADA, id=requirement(2), expectedVersion=1, **{field: None})
    assert done.codes == [("INVALID", field)]
    assert writing.everything() == before


async def test_a_stale_version_is_shown_what_is_and_an_unknown_id_nothing(writing: Writer) -> None:
    id = await made(writing, "stale")
    now = await writing.do("acceptRequirement", ADA, id=id, expectedVersion=1)
    stale = await writing.do("meetRequirement", ADA, id=id, expectedVersion=1)
    assert (stale.codes, stale.shown) == ([("CONFLICT", "expectedVersion")], now.shown)
    assert stale.messages == ["it is now at version 2; read it again and repeat the call with that version"]
    none = await writing.do("meetRequirement", ADA, id=requirement(9), expectedVersion=1)
    assert (none.codes, none.shown) == ([("NOT_FOUND", "id")], None)
    assert none.messages == ["there is no requirement with this id; pass the id of one that you can read"]


async def test_links_are_told_to_the_outbox_by_the_requirement(writing: Writer) -> None:
    id = await made(writing, "links", configurationItemIds=[item(1)])
    both = [item(2), item(1)]
    done = await writing.do("linkRequirementItems", ADA, id=id, expectedVersion=1, configurationItemIds=both)
    assert (done.shown["configurationItems"], done.shown["version"]) == (
        {"nodes": [{"name": "ledger"}, {"name": "shop"}]}, 2,
    )  # fmt: skip
    before = writing.everything()
    for field, code in (("linkRequirementItems", item(9)), ("unlinkRequirementItems", item(3))):
        wrong = await writing.do(field, ADA, id=id, expectedVersion=2, configurationItemIds=[item(1), code])
        assert wrong.codes == [("NOT_FOUND", "configurationItemIds")]
    assert writing.everything() == before
    done = await writing.do("unlinkRequirementItems", ADA, id=id, expectedVersion=2, configurationItemIds=both)
    assert (done.shown["configurationItems"], done.shown["version"]) == ({"nodes": []}, 3)
    audit, outbox = writing.left(id)
    assert [(after.get("linked"), after.get("unlinked")) for _, _, _, after in audit] == [
        (None, None), ([seeded(ITEM, 2)], None), (None, [seeded(ITEM, 1), seeded(ITEM, 2)]),
    ]  # fmt: skip
    assert [each[1] for each in outbox] == ["CREATED", "CHANGED", "CHANGED"]


async def test_an_item_is_linked_once_whatever_its_keys_and_unlinked_by_all_of_them(writing: Writer) -> None:
    """REQ-2 has ledger by two imported keys, and an item that the main database does not know."""
    id, gone = requirement(2), f"ci_{seeded(ITEM, 999)}"
    links = "SELECT source, key FROM requirement_configuration_items WHERE requirement_id = %s ORDER BY source, key"
    imported = [("cmdb", "gone"), ("cmdb", "later"), ("cmdb", "ledger"), ("scan", "ledger")]
    done = await writing.do(
        "linkRequirementItems", ADA, id=id, expectedVersion=1, configurationItemIds=[item(2), item(3)]
    )
    assert (done.errors, writing.told(id)["linked"]) == ([], [seeded(ITEM, 3)])
    assert writing.rows(links, id[4:]) == [*imported[:3], ("manual", seeded(ITEM, 3)), imported[3]]
    # A pruned item leaves its link without one; linked again, it is the same link.
    writing.rows("UPDATE requirement_configuration_items SET configuration_item_id = NULL WHERE source = 'manual'")
    done = await writing.do("linkRequirementItems", ADA, id=id, expectedVersion=2, configurationItemIds=[item(3)])
    assert done.shown["configurationItems"] == {"nodes": [{"name": "ledger"}, {"name": "redis"}]}
    done = await writing.do(
        "unlinkRequirementItems", ADA, id=id, expectedVersion=3, configurationItemIds=[item(2), item(3), gone]
    )
    assert (done.errors, writing.rows(links, id[4:])) == ([], [("cmdb", "later")])


async def test_one_of_many_writers_of_one_version_is_heard(writing: Writer) -> None:
    id = await made(writing, "race")
    done = await asyncio.gather(
        *(writing.do("updateRequirement", ADA, id=id, expectedVersion=1, title=f"t{n}") for n in range(6))
    )
    [winner] = [each for each in done if each.errors == []]
    losers = [each for each in done if each.errors]
    assert [each.codes for each in losers] == [[("CONFLICT", "expectedVersion")]] * 5
    assert {(each.shown["title"], each.shown["version"]) for each in losers} == {(winner.shown["title"], 2)}
    assert [len(rows) for rows in writing.left(id)] == [2, 2]


async def test_one_of_many_makers_of_one_key_makes_it(writing: Writer) -> None:
    done = await asyncio.gather(*(writing.do("createRequirement", ADA, key="once", title=f"n{n}") for n in range(4)))
    assert sorted(each.codes for each in done) == [[], *[[("TAKEN", "key")]] * 3]
    assert writing.rows("SELECT count(*) FROM requirements WHERE key = 'once'") == [(1,)]


async def test_a_repeated_call_is_done_once_and_its_key_is_good_for_no_other(writing: Writer) -> None:
    input = {"key": "twice", "title": "twice", "idempotencyKey": "k1"}
    done = await asyncio.gather(*(writing.do("createRequirement", ADA, **input) for _ in range(4)))
    [id] = {each.shown["id"] for each in done}
    step = {"id": id, "expectedVersion": 1, "idempotencyKey": "k2"}
    versions = [(await writing.do("acceptRequirement", ADA, **step)).shown["version"] for _ in range(2)]
    assert versions == [2, 2]
    assert (await writing.do("rejectRequirement", ADA, **step)).codes == [("KEY_REUSED", "idempotencyKey")]
    # Bob's own key of the same name.
    assert (await writing.do("meetRequirement", BOB, **step | {"expectedVersion": 2})).shown["state"] == "MET"
    assert [len(rows) for rows in writing.left(id)] == [3, 3]


async def test_a_key_is_kept_in_the_database_of_its_write(landscape: Operations, writing: Writer) -> None:
    """The same key in both: neither knows of the other."""
    await made(writing, "mine", idempotencyKey="shared")
    main = Writer(landscape.sources, landscape.url)
    done = await main.do("createTeam", ADA, key="mine", name="Mine", idempotencyKey="shared")
    assert done.errors == []
    assert main.rows("SELECT action FROM idempotent_answers WHERE key = 'shared'") == [("CreateTeam",)]
    assert writing.rows("SELECT action FROM idempotent_answers WHERE key = 'shared'") == [("CreateRequirement",)]


class Telling(NoCache):
    """Remembers what it was told to make a miss."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[list[str]] = []

    async def invalidate(self, tables: Any) -> None:
        self.told.append(list(tables))


async def test_caches_are_told_of_every_table_that_was_written(writing: Writer) -> None:
    cache = Telling()
    telling = replace(writing, sources=replace(writing.sources, cache=cache))
    id = await made(telling, "told")
    await telling.do("acceptRequirement", ADA, id=id, expectedVersion=1)
    await telling.do("linkRequirementItems", ADA, id=id, expectedVersion=2, configurationItemIds=[item(1)])
    await telling.do("unlinkRequirementItems", ADA, id=id, expectedVersion=3, configurationItemIds=[item(1)])
    await telling.do("acceptRequirement", ADA, id=id, expectedVersion=4)
    both = ["requirement_configuration_items", "requirements"]
    assert cache.told == [both, ["requirements"], both, both]


async def test_the_token_of_a_write_holds_no_number_of_this_database(landscape: Operations, writing: Writer) -> None:
    """Transactions of the two databases have no common order; that of main, if there was one, stays."""
    answer = await writing.send("createRequirement", ADA, key="token", title="a")
    assert answer.extensions["asOf"] == "w0"
    document = """mutation {
        createTeam(input: {key: "token", name: "a"}) { team { id } }
        createRequirement(input: {key: "token-2", title: "a"}) { requirement { id } } }"""
    body = (
        await execute_request(
            GraphQLRequest(document), Context(ADA, ADA.scope, landscape.sources, RequestContext()), DocumentLimits()
        )
    ).body
    team_id = body["data"]["createTeam"]["team"]["id"]
    main = Writer(landscape.sources, landscape.url)
    written = main.rows("SELECT transaction::text FROM outbox WHERE entity_id = %s", team_id[5:])
    assert written == [(body["extensions"]["asOf"][1:],)]


async def test_who_may_only_read_writes_nothing(writing: Writer) -> None:
    fields = {each.replace("_", " ").title().replace(" ", "") for each in declared_fields(RequirementMutations)}
    assert len(fields) == 10
    before = writing.everything()
    whole: dict[str, Any] = {"id": requirement(3), "expectedVersion": 1}
    for name in sorted(fields):
        field = name[0].lower() + name[1:]
        input = {"key": "a", "title": "A"} if field == "createRequirement" else whole
        if "Items" in field:
            input = whole | {"configurationItemIds": [item(1)]}
        answer = await writing.send(field, person(*READER), **input)
        assert (answer.codes, answer.data) == (["FORBIDDEN"], {field: None})
    assert writing.everything() == before


def lost(name: str) -> Database:
    return Database(name, f"postgresql://nobody@127.0.0.1:{free_port()}/gone", connect_timeout=1, pool_timeout=0.5)


async def test_a_lost_requirements_database_fails_its_own_mutations_only(
    landscape: Operations, writing: Writer
) -> None:
    gone = lost("requirements")
    without = replace(writing, sources=replace(writing.sources, requirements=gone))
    answer = await without.send("createRequirement", ADA, key="lost", title="a", idempotencyKey="lost")
    assert (answer.data, answer.codes) == ({"createRequirement": None}, ["SOURCE_UNAVAILABLE"])
    assert answer.errors[0]["extensions"]["store"] == "requirements"
    assert answer.errors[0]["message"].startswith("requirements is not available; repeat the call")
    assert "asOf" not in answer.extensions
    main = Writer(without.sources, landscape.url)
    assert (await main.do("createTeam", ADA, key="lost", name="a")).errors == []
    await gone.close()
    # Back again: the same call, and nothing of it was done before.
    done = await writing.do("createRequirement", ADA, key="lost", title="a", idempotencyKey="lost")
    assert (done.errors, done.shown["version"]) == ([], 1)


async def test_a_lost_main_database_stops_only_what_names_items(writing: Writer) -> None:
    id = await made(writing, "alone", configurationItemIds=[item(1)])
    gone = lost("main")
    without = replace(writing, sources=replace(writing.sources, main=gone))
    before = writing.everything()
    answer = await without.send("linkRequirementItems", ADA, id=id, expectedVersion=1, configurationItemIds=[item(2)])
    assert (answer.data, answer.codes) == ({"linkRequirementItems": None}, ["SOURCE_UNAVAILABLE"])
    assert answer.errors[0]["extensions"]["store"] == "main"
    assert writing.everything() == before
    answer = await without.send("unlinkRequirementItems", ADA, id=id, expectedVersion=1, configurationItemIds=[item(1)])
    # It was written; what main alone can show is null.
    shown = answer.data["unlinkRequirementItems"]["requirement"]
    assert (shown["version"], shown["configurationItems"]) == (2, None)
    assert {tuple(each["path"][:3]) for each in answer.errors} == {
        ("unlinkRequirementItems", "requirement", "configurationItems")
    }
    await gone.close()
