"""Teams and who is in them, written by mutation: exact rows, audit entries and outbox rows, and the last lead."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.databases import READER, person
from tests.fixtures.operations import opened
from tests.fixtures.writing import ADA, BOB, Writer, team, user


@pytest.fixture(scope="module")
async def writing(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    async with opened(postgres, "team_mutations") as operations:
        yield Writer(operations.sources, operations.url)


async def made(writing: Writer, key: str) -> str:
    done = await writing.do("createTeam", ADA, key=key, name=key.title())
    assert done.errors == []
    id: str = done.shown["id"]
    return id


def members(done: Any) -> list[tuple[str, str]]:
    return [(each["user"]["key"], each["role"]) for each in done.shown["members"]]


async def test_a_team_is_made(writing: Writer) -> None:
    done = await writing.do("createTeam", ADA, key="web-ops", name=" Web ", description="Runs it.", contact="#web")
    assert (done.errors, done.shown) == ([], {
        "id": done.shown["id"], "key": "web-ops", "name": "Web", "description": "Runs it.", "contact": "#web",
        "version": 1, "members": [],
    })  # fmt: skip
    [audit], [outbox] = writing.left(done.shown["id"])
    assert audit[:3] == ("CreateTeam", "USER:ada", None)
    assert (audit[3]["key"], audit[3]["members"]) == ("web-ops", {})
    assert outbox == ("TEAM", "CREATED", {}, True)


@pytest.mark.parametrize(
    ("key", "name", "codes"),
    [
        ("payments", "Other", [("TAKEN", "key")]),
        ("", "A", [("INVALID", "key")]),
        ("Payments", "A", [("INVALID", "key")]),
        ("payments ", "A", [("INVALID", "key")]),
        ("a--b", "A", [("INVALID", "key")]),
        ("a", " ", [("INVALID", "name")]),
    ],
)
async def test_a_broken_rule_makes_no_team(writing: Writer, key: str, name: str, codes: Any) -> None:
    before = writing.everything()
    done = await writing.do("createTeam", ADA, key=key, name=name)
    assert (done.shown, done.codes) == (None, codes)
    assert writing.everything() == before


async def test_one_of_many_makers_of_one_key_makes_it(writing: Writer) -> None:
    done = await asyncio.gather(*(writing.do("createTeam", ADA, key="race", name=f"n{n}") for n in range(4)))
    assert sorted(each.codes for each in done) == [[], *[[("TAKEN", "key")]] * 3]
    assert writing.rows("SELECT count(*) FROM teams WHERE key = 'race'") == [(1,)]


async def test_a_team_is_described_anew(writing: Writer) -> None:
    id = await made(writing, "anew")
    done = await writing.do("updateTeam", BOB, id=id, expectedVersion=1, contact="#anew")
    assert (done.shown["name"], done.shown["contact"], done.shown["version"]) == ("Anew", "#anew", 2)
    assert (await writing.do("updateTeam", BOB, id=id, expectedVersion=2, name=None)).codes == [("INVALID", "name")]
    stale = await writing.do("updateTeam", BOB, id=id, expectedVersion=1, name="b")
    assert (stale.codes, stale.shown) == ([("CONFLICT", "expectedVersion")], done.shown)
    assert (await writing.do("updateTeam", BOB, id=team(9), expectedVersion=1)).codes == [("NOT_FOUND", "id")]
    audit, outbox = writing.left(id)
    assert [(before, after["contact"]) for _, _, before, after in audit[:1]] == [(None, "")]
    assert [(before["contact"], after["contact"]) for _, _, before, after in audit[1:]] == [("", "#anew")]
    assert [each[1] for each in outbox] == ["CREATED", "CHANGED"]


async def test_the_last_lead_stays(writing: Writer) -> None:
    id = await made(writing, "led")
    ada, bob = user(1), user(2)
    done = await writing.do("setTeamMember", ADA, id=id, expectedVersion=1, userId=bob)
    assert members(done) == [("bob", "MEMBER")]
    done = await writing.do("setTeamMember", ADA, id=id, expectedVersion=2, userId=ada, role="LEAD")
    assert members(done) == [("ada", "LEAD"), ("bob", "MEMBER")]
    before = writing.everything()
    done = await writing.do("removeTeamMember", ADA, id=id, expectedVersion=3, userId=ada)
    assert done.codes == [("INVALID", "userId")]
    done = await writing.do("setTeamMember", ADA, id=id, expectedVersion=3, userId=ada, role="MEMBER")
    assert done.codes == [("INVALID", "role")]
    assert writing.everything() == before
    await writing.do("setTeamMember", ADA, id=id, expectedVersion=3, userId=bob, role="LEAD")
    done = await writing.do("removeTeamMember", ADA, id=id, expectedVersion=4, userId=ada)
    assert (members(done), done.shown["version"]) == ([("bob", "LEAD")], 5)
    done = await writing.do("removeTeamMember", ADA, id=id, expectedVersion=5, userId=bob)
    assert done.codes == [("INVALID", "userId")]
    audit, outbox = writing.left(id)
    ids = {"ada": ada[5:], "bob": bob[5:]}
    assert [after["members"] for _, _, _, after in audit] == [
        {}, {ids["bob"]: "MEMBER"}, {ids["ada"]: "LEAD", ids["bob"]: "MEMBER"},
        {ids["ada"]: "LEAD", ids["bob"]: "LEAD"}, {ids["bob"]: "LEAD"},
    ]  # fmt: skip
    assert [each[1] for each in outbox] == ["CREATED"] + ["CHANGED"] * 4


async def test_of_two_leads_who_leave_at_once_one_stays(writing: Writer) -> None:
    id = await made(writing, "two")
    for version, who in ((1, user(1)), (2, user(2))):
        await writing.do("setTeamMember", ADA, id=id, expectedVersion=version, userId=who, role="LEAD")
    done = await asyncio.gather(
        *(writing.do("removeTeamMember", ADA, id=id, expectedVersion=3, userId=who) for who in (user(1), user(2)))
    )
    assert sorted(each.codes for each in done) == [[], [("CONFLICT", "expectedVersion")]]
    assert writing.rows("SELECT role FROM team_memberships WHERE team_id = %s", id[5:]) == [("LEAD",)]


@pytest.mark.parametrize(
    ("field", "who", "code"),
    [
        ("setTeamMember", user(9), "NOT_FOUND"),
        ("setTeamMember", user(3), "NOT_FOUND"),
        ("setTeamMember", team(1), "INVALID"),
        ("removeTeamMember", user(3), "NOT_FOUND"),
    ],
)
async def test_nobody_comes_who_is_not_there(writing: Writer, field: str, who: str, code: str) -> None:
    before = writing.everything()
    done = await writing.do(field, ADA, id=team(1), expectedVersion=1, userId=who)
    assert done.codes == [(code, "userId")]
    assert writing.everything() == before


async def test_who_may_only_read_writes_nothing(writing: Writer) -> None:
    before = writing.everything()
    for field, input in (
        ("createTeam", {"key": "a", "name": "A"}),
        ("proposeChange", {"title": "A"}),
        ("openIncident", {"title": "A"}),
    ):
        assert (await writing.send(field, person(*READER), **input)).codes == ["FORBIDDEN"]
    assert writing.everything() == before
