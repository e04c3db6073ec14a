"""Changes written by mutation: exact rows, audit entries and outbox rows, four eyes, and the rules that refuse."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.principals.principal import Principal, PrincipalKind
from tests.fixtures.operations import opened
from tests.fixtures.writing import ADA, BOB, EVE, Writer, change, item, somebody, team, user


@pytest.fixture(scope="module")
async def writing(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    async with opened(postgres, "change_mutations") as operations:
        yield Writer(operations.sources, operations.url)


async def proposed(writing: Writer, who: Any = ADA, **input: Any) -> str:
    done = await writing.do("proposeChange", who, **({"title": "Move the shop"} | input))
    assert done.errors == []
    id: str = done.shown["id"]
    return id


async def test_a_change_is_proposed_with_all_that_is_known(writing: Writer) -> None:
    done = await writing.do(
        "proposeChange", ADA, title=" Move the shop ", description="To the new hall.", type="EMERGENCY", risk="HIGH",
        teamId=team(2), assigneeId=user(2), configurationItemIds=[item(2), item(1)],
    )  # fmt: skip
    assert done.errors == []
    assert done.shown == {
        "id": done.shown["id"], "number": done.shown["number"], "title": "Move the shop",
        "description": "To the new hall.", "type": "EMERGENCY", "state": "PROPOSED", "risk": "HIGH",
        "plannedStart": None, "plannedEnd": None, "actualStart": None, "actualEnd": None, "version": 1,
        "team": {"key": "platform"}, "assignee": {"key": "bob"},
        "configurationItems": {"nodes": [{"name": "ledger"}, {"name": "shop"}]},
    }  # fmt: skip
    [audit], [outbox] = writing.left(done.shown["id"])
    assert audit[:3] == ("ProposeChange", "USER:ada", None)
    assert (audit[3]["title"], audit[3]["items"]) == ("Move the shop", [item(1)[3:], item(2)[3:]])
    assert outbox == ("CHANGE", "CREATED", {}, True)


async def test_numbers_pass_over_imported_ones(writing: Writer) -> None:
    first = int((await writing.do("proposeChange", ADA, title="a")).shown["number"].removeprefix("CHG"))
    assert first >= 5_000_001
    writing.rows(f"INSERT INTO changes (id, number, title) VALUES (gen_random_uuid(), 'CHG{first + 1}', 'imported')")
    # The first try meets the taken number, the second goes on by two.
    assert (await writing.do("proposeChange", ADA, title="a")).shown["number"] == f"CHG{first + 3}"


@pytest.mark.parametrize(
    ("input", "codes"),
    [
        ({"title": ""}, [("INVALID", "title")]),
        ({"teamId": team(9)}, [("NOT_FOUND", "teamId")]),
        ({"assigneeId": user(3)}, [("NOT_FOUND", "assigneeId")]),
        ({"teamId": team(1), "assigneeId": user(2)}, [("INVALID", "assigneeId")]),
        ({"configurationItemIds": [item(9)]}, [("NOT_FOUND", "configurationItemIds")]),
    ],
)
async def test_a_broken_rule_proposes_nothing(writing: Writer, input: Any, codes: Any) -> None:
    before = writing.everything()
    done = await writing.do("proposeChange", ADA, **({"title": "a"} | input))
    assert (done.shown, done.codes) == (None, codes)
    assert writing.everything() == before


async def test_an_unknown_change_is_not_found(writing: Writer) -> None:
    done = await writing.do("startChange", ADA, id=change(99), expectedVersion=1)
    assert (done.shown, done.codes) == (None, [("NOT_FOUND", "id")])


async def test_a_proposal_is_rewritten_until_it_is_approved(writing: Writer) -> None:
    id = await proposed(writing)
    done = await writing.do(
        "updateChange", ADA, id=id, expectedVersion=1, title="Move it", risk="LOW", teamId=team(1), assigneeId=user(1)
    )
    assert {name: done.shown[name] for name in ("title", "risk", "team", "assignee", "version")} == {
        "title": "Move it", "risk": "LOW", "team": {"key": "payments"}, "assignee": {"key": "ada"}, "version": 2,
    }  # fmt: skip
    done = await writing.do("updateChange", ADA, id=id, expectedVersion=2, teamId=team(2), assigneeId=user(2))
    assert (done.shown["team"], done.shown["assignee"]) == ({"key": "platform"}, {"key": "bob"})
    done = await writing.do("updateChange", ADA, id=id, expectedVersion=3, teamId=team(1))
    assert done.codes == [("INVALID", "assigneeId")]
    done = await writing.do("updateChange", ADA, id=id, expectedVersion=3, risk=None)
    assert done.codes == [("INVALID", "risk")]
    assert (await writing.do("approveChange", BOB, id=id, expectedVersion=3)).shown["state"] == "APPROVED"
    for field, input in (
        ("updateChange", {"title": "More"}),
        ("linkChangeItems", {"configurationItemIds": [item(1)]}),
        ("unlinkChangeItems", {"configurationItemIds": []}),
    ):
        assert (await writing.do(field, ADA, id=id, expectedVersion=4, **input)).codes == [("ILLEGAL_STATE", None)]
    assert writing.rows("SELECT version, title FROM changes WHERE id = %s", id[4:]) == [(4, "Move it")]


async def test_four_eyes(writing: Writer) -> None:
    """Neither who proposed it, nor who changed its words or items since."""
    id = await proposed(writing)
    await writing.do("updateChange", BOB, id=id, expectedVersion=1, description="By night.")
    await writing.do("linkChangeItems", EVE, id=id, expectedVersion=2, configurationItemIds=[item(1)])
    fay = somebody("fay")
    await writing.do("unlinkChangeItems", fay, id=id, expectedVersion=3, configurationItemIds=[item(1)])
    before = writing.everything()
    for who in (ADA, BOB, EVE, fay):
        done = await writing.do("approveChange", who, id=id, expectedVersion=4)
        assert done.codes == [("INVALID", None)]
        assert done.messages == ["you proposed or updated this change; another person must approve it"]
    # Another spelling is the same person; a program approves nothing, whoever it acts for.
    for spelling in ("Ada", " ada", "ada\u200b"):
        done = await writing.do("approveChange", somebody(spelling), id=id, expectedVersion=4)
        assert done.codes == [("INVALID", None)]
    key = Principal("api-key:1", "zoes", PrincipalKind.SERVICE, ADA.permissions, owner="zoe")
    message = "a program cannot approve a change; a person must approve it with a personal token"
    for program in (somebody("ada", kind=PrincipalKind.SERVICE), somebody("job", kind=PrincipalKind.SERVICE), key):
        done = await writing.do("approveChange", program, id=id, expectedVersion=4)
        assert done.messages == [message]
    assert writing.everything() == before
    assert (await writing.do("approveChange", somebody("zoe"), id=id, expectedVersion=4)).shown["state"] == "APPROVED"
    hands = [("USER:ada", "USER:bob", "USER:eve", "USER:fay")]
    assert [tuple(row[0]) for row in writing.rows("SELECT proposed_by FROM changes WHERE id = %s", id[4:])] == hands


async def test_what_a_key_proposes_its_owner_has_proposed(writing: Writer) -> None:
    key = Principal("api-key:1", "adas", PrincipalKind.SERVICE, ADA.permissions, owner="Ada")
    done = await writing.do("proposeChange", key, title="Move the shop")
    id, version = done.shown["id"], done.shown["version"]
    refused = await writing.do("approveChange", ADA, id=id, expectedVersion=version)
    assert refused.messages == ["you proposed or updated this change; another person must approve it"]


async def test_who_imported_a_change_is_not_known_and_anyone_may_approve_it(writing: Writer) -> None:
    assert (await writing.do("approveChange", ADA, id=change(4), expectedVersion=1)).shown["state"] == "APPROVED"


@pytest.mark.parametrize(
    ("start", "end", "codes"),
    [
        ("2026-05-01T08:00:00Z", "2026-05-01T08:00:00Z", [("INVALID", "plannedEnd")]),
        ("2026-05-01T08:00:00Z", "2026-05-01T09:00:00+02:00", [("INVALID", "plannedEnd")]),
        ("2026-05-01T08:00:00", "2026-05-01T09:00:00Z", [("INVALID", "plannedStart")]),
        ("2026-05-01T08:00:00Z", "2026-05-01T09:00:00", [("INVALID", "plannedEnd")]),
        ("2026-05-01T08:00:00Z", "2026-05-01T08:00:01Z", []),
    ],
)
async def test_a_plan_ends_after_it_starts(writing: Writer, start: str, end: str, codes: Any) -> None:
    id = await proposed(writing)
    await writing.do("approveChange", BOB, id=id, expectedVersion=1)
    done = await writing.do("scheduleChange", ADA, id=id, expectedVersion=2, plannedStart=start, plannedEnd=end)
    assert done.codes == codes
    planned = ["2026-05-01T08:00:00+00:00", "2026-05-01T08:00:01+00:00"]
    if not codes:
        assert [done.shown["plannedStart"], done.shown["plannedEnd"]] == planned
    assert writing.rows("SELECT state, version FROM changes WHERE id = %s", id[4:]) == [
        ("APPROVED", 2) if codes else ("SCHEDULED", 3)
    ]


async def test_work_that_began_later_than_now_does_not_end_before(writing: Writer) -> None:
    writing.rows(
        "INSERT INTO changes (id, number, title, state, actual_start) VALUES "
        f"('{change(50)[4:]}', 'CHG50', 'a', 'IN_PROGRESS', '2999-01-01T00:00Z')"
    )
    done = await writing.do("finishChange", ADA, id=change(50), expectedVersion=1, outcome="FAILED")
    assert (done.shown["state"], done.shown["actualEnd"]) == ("FAILED", "2999-01-01T00:00:00+00:00")


async def test_links_are_told_to_the_outbox_by_the_change(writing: Writer) -> None:
    id = await proposed(writing, configurationItemIds=[item(1)])
    both = [item(2), item(1)]
    done = await writing.do("linkChangeItems", ADA, id=id, expectedVersion=1, configurationItemIds=both)
    assert done.shown["configurationItems"] == {"nodes": [{"name": "ledger"}, {"name": "shop"}]}
    wrong = await writing.do("unlinkChangeItems", ADA, id=id, expectedVersion=2, configurationItemIds=[item(3)])
    assert wrong.codes == [("NOT_FOUND", "configurationItemIds")]
    done = await writing.do("unlinkChangeItems", ADA, id=id, expectedVersion=2, configurationItemIds=both)
    assert (done.shown["configurationItems"], done.shown["version"]) == ({"nodes": []}, 3)
    audit, outbox = writing.left(id)
    assert [(after.get("linked"), after.get("unlinked")) for _, _, _, after in audit] == [
        (None, None), ([item(2)[3:]], None), (None, [item(1)[3:], item(2)[3:]]),
    ]  # fmt: skip
    assert [each[1] for each in outbox] == ["CREATED", "CHANGED", "CHANGED"]


async def test_one_of_two_approvers_at_once_is_heard(writing: Writer) -> None:
    id = await proposed(writing)
    done = await asyncio.gather(
        *(writing.do("approveChange", who, id=id, expectedVersion=1) for who in (BOB, EVE)),
    )
    assert sorted(each.codes for each in done) == [[], [("CONFLICT", "expectedVersion")]]
    assert [(each.shown["state"], each.shown["version"]) for each in done] == [("APPROVED", 2)] * 2
    audit, outbox = writing.left(id)
    assert (len(audit), len(outbox)) == (2, 2)
