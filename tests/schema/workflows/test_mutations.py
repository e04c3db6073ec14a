"""Definitions written by mutation: exact rows, everything that stops a publication, and revisions that never change."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.operations import opened
from tests.fixtures.workflows import AUTHOR, Authoring
from tests.fixtures.writing import item, somebody, team

STEP = {"key": "do", "name": "Do it", "kind": "MANUAL"}
ALL: dict[str, Any] = {
    "key": "mend-cache",
    "name": " Mend the cache ",
    "description": "Promotes a node.",
    "trigger": {
        "event": "INCIDENT_OPENED", "class": "database", "environment": ["PRODUCTION"],
        "labels": [{"name": "tier", "value": "1"}], "priority": [1, 2], "category": "availability",
        "when": "size(items) > 0",
    },
    "inputs": [{"name": "size", "description": "How many.", "default": 3}, {"name": "note", "default": None}],
    "steps": [
        {"key": "agree", "name": "Agree", "kind": "APPROVAL", "timeout": 3600,
         "approval": {"approvals": 2, "team": "platform", "users": ["ada", "bob"], "fourEyes": False}},
        {"key": "promote", "name": "Promote", "kind": "REMEDIATION", "dependsOn": ["agree"],
         "retry": {"attempts": 3, "backoff": 1.5}, "when": "steps.agree.state == 'SUCCEEDED'",
         "remediation": {"action": "redis.promote", "inputs": [{"name": "size", "value": "inputs.size"}]}},
        {"key": "pause", "name": "Pause", "kind": "WAIT", "dependsOn": ["promote"], "wait": {"seconds": 5}},
        {"key": "tell", "name": "Tell", "kind": "NOTIFICATION", "dependsOn": ["pause"],
         "notification": {"channel": "#ops", "message": "'Done: ' + run.number"}},
        {"key": "look", "name": "Look", "kind": "MANUAL", "dependsOn": ["tell"],
         "manual": {"instructions": "Is it green?", "team": "payments"}},
        {"key": "demote", "name": "Demote", "kind": "REMEDIATION", "compensates": "promote",
         "remediation": {"action": "redis.demote"}},
    ],
    "configurationItemIds": [item(3), item(1)],
}  # fmt: skip


@pytest.fixture(scope="module")
async def authoring(postgres: EmbeddedPostgres) -> AsyncIterator[Authoring]:
    async with opened(postgres, "workflow_mutations") as operations:
        yield Authoring(operations)


async def drafted(authoring: Authoring, key: str, *steps: dict[str, Any], **input: Any) -> dict[str, Any]:
    done = await authoring.do("createWorkflow", key=key, name=key, steps=list(steps) or [STEP], **input)
    assert done.errors == []
    shown: dict[str, Any] = done.shown
    return shown


async def test_a_draft_says_what_it_was_given(authoring: Authoring) -> None:
    done = await authoring.do("createWorkflow", **ALL)
    assert done.errors == []
    assert done.shown == {
        "id": done.shown["id"], "key": "mend-cache", "revision": 1, "name": "Mend the cache",
        "description": "Promotes a node.", "state": "DRAFT", "version": 1, "problems": [],
        "trigger": {
            "event": "incident.opened", "class": "database", "environment": ["PRODUCTION"], "labels": {"tier": "1"},
            "priority": [1, 2], "category": "availability", "when": "size(items) > 0",
        },
        "inputs": [{"name": "size", "description": "How many.", "default": 3}, {"name": "note", "default": None}],
        "steps": [
            {"key": "agree", "position": 1, "name": "Agree", "kind": "APPROVAL", "dependsOnKeys": [],
             "configuration": {"timeout": 3600, "approvals": 2, "team": "platform", "users": ["ada", "bob"],
                               "four_eyes": False}},
            {"key": "promote", "position": 2, "name": "Promote", "kind": "REMEDIATION", "dependsOnKeys": ["agree"],
             "configuration": {"when": "steps.agree.state == 'SUCCEEDED'", "retry": {"attempts": 3, "backoff": 1.5},
                               "action": "redis.promote", "inputs": {"size": "inputs.size"}}},
            {"key": "pause", "position": 3, "name": "Pause", "kind": "WAIT", "dependsOnKeys": ["promote"],
             "configuration": {"seconds": 5}},
            {"key": "tell", "position": 4, "name": "Tell", "kind": "NOTIFICATION", "dependsOnKeys": ["pause"],
             "configuration": {"channel": "#ops", "message": "'Done: ' + run.number"}},
            {"key": "look", "position": 5, "name": "Look", "kind": "MANUAL", "dependsOnKeys": ["tell"],
             "configuration": {"instructions": "Is it green?", "team": "payments"}},
            {"key": "demote", "position": 6, "name": "Demote", "kind": "REMEDIATION", "dependsOnKeys": [],
             "configuration": {"compensates": "promote", "action": "redis.demote"}},
        ],
        "configurationItems": {"nodes": [{"name": "redis"}, {"name": "shop"}]},
    }  # fmt: skip
    [audit], [outbox] = authoring.writing.left(done.shown["id"])
    assert audit[:3] == ("CreateWorkflow", "USER:ada", None)
    assert [step["key"] for step in audit[3]["steps"]] == [step["key"] for step in ALL["steps"]]
    assert audit[3]["items"] == [item(1)[3:], item(3)[3:]]
    assert outbox == ("WORKFLOW", "CREATED", {}, True)


async def test_the_next_revision_takes_over_when_it_is_published(authoring: Authoring) -> None:
    first = await drafted(authoring, "take-over")
    published = await authoring.do("publishWorkflow", id=first["id"], expectedVersion=1)
    assert (published.shown["state"], published.shown["version"]) == ("PUBLISHED", 2)
    second = (await authoring.do("reviseWorkflow", id=first["id"], expectedVersion=2)).shown
    assert (second["revision"], second["state"], second["steps"]) == (2, "DRAFT", first["steps"])
    third = await drafted(authoring, "take-over")
    assert (third["revision"], third["id"] != second["id"]) == (3, True)
    assert (await authoring.do("publishWorkflow", id=third["id"], expectedVersion=1)).errors == []
    # Revision 2 is a draft still, 1 has retired; both left a row for whoever follows.
    assert authoring.writing.rows(
        "SELECT revision, state, version FROM workflows WHERE key = 'take-over' ORDER BY revision"
    ) == [(1, "RETIRED", 3), (2, "DRAFT", 1), (3, "PUBLISHED", 2)]
    audits, outbox = authoring.writing.left(first["id"])
    assert [each[0] for each in audits] == ["CreateWorkflow", "PublishWorkflow", "PublishWorkflow"]
    assert [(audits[-1][nth]["state"], audits[-1][nth]["version"]) for nth in (2, 3)] == [
        ("PUBLISHED", 2), ("RETIRED", 3),
    ]  # fmt: skip
    assert [each[1] for each in outbox] == ["CREATED", "CHANGED", "CHANGED"]
    retired = await authoring.do("retireWorkflow", id=third["id"], expectedVersion=2)
    assert (retired.shown["state"], retired.shown["version"]) == ("RETIRED", 3)


async def test_a_draft_changes_only_where_it_is_told(authoring: Authoring) -> None:
    draft = await drafted(authoring, "change-me", configurationItemIds=[item(1)], trigger={"event": "INCIDENT_OPENED"})
    other = {"key": "other", "name": "Other", "kind": "WAIT", "wait": {"seconds": 1}}
    done = await authoring.do(
        "updateWorkflow",
        id=draft["id"],
        expectedVersion=1,
        steps=[other, STEP | {"dependsOn": ["other"]}],
        name="Changed",
    )
    expected = {"name": "Changed", "version": 2, "steps": [
        {"key": "other", "position": 1, "name": "Other", "kind": "WAIT", "dependsOnKeys": [],
         "configuration": {"seconds": 1}},
        {"key": "do", "position": 2, "name": "Do it", "kind": "MANUAL", "dependsOnKeys": ["other"],
         "configuration": {}},
    ]}  # fmt: skip
    assert done.shown == draft | expected
    done = await authoring.do(
        "updateWorkflow", id=draft["id"], expectedVersion=2, configurationItemIds=[item(2)], trigger=None, inputs=[
            {"name": "size"},
        ],
    )  # fmt: skip
    assert done.shown == draft | expected | {
        "version": 3, "configurationItems": {"nodes": [{"name": "ledger"}]}, "trigger": {},
        "inputs": [{"name": "size"}],
    }  # fmt: skip
    late = await authoring.do("updateWorkflow", id=draft["id"], expectedVersion=2, name="Late")
    assert (late.codes, late.shown["name"]) == ([("CONFLICT", "expectedVersion")], "Changed")


@pytest.mark.parametrize(
    ("input", "codes"),
    [
        ({"key": "Mend It"}, [("INVALID", "key")]),
        ({"name": " "}, [("INVALID", "name")]),
        ({"steps": [STEP, STEP]}, [("INVALID", "steps.0.key"), ("INVALID", "steps.1.key")]),
        ({"steps": [STEP | {"key": "Do It"}]}, [("INVALID", "steps.0.key")]),
        ({"steps": [STEP | {"kind": "WAIT"}]}, [("INVALID", "steps.0.wait")]),
        ({"steps": [STEP | {"wait": {"seconds": 5}}]}, [("INVALID", "steps.0.wait")]),
        ({"steps": [STEP | {"key": f"s{n}"} for n in range(101)]}, [("INVALID", "steps")]),
        ({"steps": [STEP | {"manual": {"instructions": "x" * 262_144}}]}, [("INVALID", "steps")]),
        ({"inputs": [{"name": f"i{n}"} for n in range(51)]}, [("INVALID", "inputs")]),
        ({"inputs": [{"name": "i", "default": {"a": "\0"}}]}, [("INVALID", "inputs.0.default")]),
        ({"trigger": {"labels": [{"name": "a", "value": "b"}] * 2}}, [("INVALID", "trigger.labels.1.name")]),
        ({"configurationItemIds": [item(99)]}, [("NOT_FOUND", "configurationItemIds")]),
        ({"configurationItemIds": [team(1)]}, [("INVALID", "configurationItemIds.0")]),
        ({"description": "\0"}, [("INVALID", "description")]),
    ],
)
async def test_a_form_that_cannot_be_kept_drafts_nothing(authoring: Authoring, input: Any, codes: Any) -> None:
    before = authoring.everything()
    done = await authoring.do("createWorkflow", **({"key": "never", "name": "Never"} | input))
    assert (done.shown, done.codes) == (None, codes)
    assert authoring.everything() == before


async def test_everything_that_is_wrong_stops_the_publication(authoring: Authoring) -> None:
    draft = await drafted(
        authoring,
        "all-wrong",
        STEP | {"dependsOn": ["wait"], "when": "inputs.nothing", "manual": {"team": "nobody"}},
        {"key": "wait", "name": "Wait", "kind": "WAIT", "dependsOn": ["do"], "wait": {"seconds": 0}},
        {"key": "agree", "name": "Agree", "kind": "APPROVAL", "approval": {"users": ["ada", "cyd", "eve"]}},
        trigger={"event": "RUN_FINISHED", "class": "nothing", "workflows": ["all-wrong", "unknown"]},
    )
    expected = [
        ("INVALID", "trigger.class"), ("INVALID", "trigger.workflows.0"), ("INVALID", "steps.1.wait.seconds"),
        ("INVALID", "steps.0.dependsOn"), ("INVALID", "steps.0.when"), ("NOT_FOUND", "trigger.class"),
        ("NOT_FOUND", "trigger.workflows.1"), ("NOT_FOUND", "steps.0.manual.team"),
        ("NOT_FOUND", "steps.2.approval.users.1"), ("NOT_FOUND", "steps.2.approval.users.2"),
    ]  # fmt: skip
    # The draft tells them before anybody tries.
    assert [each["field"] for each in draft["problems"]] == [field for _, field in expected]
    before = authoring.everything()
    done = await authoring.do("publishWorkflow", id=draft["id"], expectedVersion=1)
    assert (done.shown, done.codes) == (None, expected)
    assert [each["message"] for each in draft["problems"]] == done.messages
    assert "steps wait for each other: do -> wait -> do; remove one of these dependencies" in done.messages
    assert authoring.everything() == before


async def test_a_definition_without_steps_is_drafted_but_not_published(authoring: Authoring) -> None:
    draft = (await authoring.do("createWorkflow", key="empty", name="Empty")).shown
    assert draft["problems"] == [{"field": "steps", "message": "there are no steps; add at least one"}]
    done = await authoring.do("publishWorkflow", id=draft["id"], expectedVersion=1)
    assert done.codes == [("INVALID", "steps")]


async def test_what_no_run_could_read_is_a_problem(authoring: Authoring) -> None:
    draft = await drafted(authoring, "unreadable", {"key": "w", "name": "W", "kind": "WAIT", "wait": {"seconds": 5}})
    authoring.operations.write(
        "UPDATE workflow_steps SET configuration = '{\"secs\": 5}'"
        f" WHERE workflow_id = '{draft['id'].partition('_')[2]}'"
    )
    done = await authoring.do("publishWorkflow", id=draft["id"], expectedVersion=1)
    assert done.codes == [("INVALID", "steps.0.configuration")]


async def test_workflows_that_start_each_other_are_not_published(authoring: Authoring) -> None:
    await authoring.published("ring-a")
    await authoring.published("ring-b", trigger={"event": "RUN_FINISHED", "workflows": ["ring-a"]})
    await authoring.published("ring-c", trigger={"event": "RUN_FINISHED", "workflows": ["ring-b"]})
    closing = await drafted(authoring, "ring-a", trigger={"event": "RUN_FINISHED", "workflows": ["ring-c"]})
    done = await authoring.do("publishWorkflow", id=closing["id"], expectedVersion=1)
    assert (done.codes, done.messages) == (
        [("INVALID", "trigger.workflows")],
        ["it would start itself: ring-a -> ring-b -> ring-c -> ring-a; remove one of these triggers"],
    )
    # A revision takes the place of the one of its key: with ring-c started by hand only, the ring is open.
    await authoring.published("ring-c")
    assert (await authoring.do("publishWorkflow", id=closing["id"], expectedVersion=1)).errors == []


async def test_two_publications_at_once_close_no_ring(authoring: Authoring) -> None:
    for key in ("twin-a", "twin-b"):
        await authoring.published(key)
    drafts = [
        await drafted(authoring, key, trigger={"event": "RUN_FINISHED", "workflows": [other]})
        for key, other in (("twin-a", "twin-b"), ("twin-b", "twin-a"))
    ]
    both = await asyncio.gather(
        *(authoring.do("publishWorkflow", id=draft["id"], expectedVersion=1) for draft in drafts)
    )
    assert sorted(each.codes for each in both) == [[], [("INVALID", "trigger.workflows")]]


async def test_drafts_of_one_key_at_once_are_revisions_one_after_the_other(authoring: Authoring) -> None:
    made = await asyncio.gather(*(drafted(authoring, "at-once") for _ in range(4)))
    assert sorted(each["revision"] for each in made) == [1, 2, 3, 4]


async def test_what_is_published_never_changes(authoring: Authoring) -> None:
    id = await authoring.published("fixed")
    for field in ("updateWorkflow", "publishWorkflow", "discardWorkflow"):
        done = await authoring.do(field, id=id, expectedVersion=2)
        assert done.codes == [("ILLEGAL_STATE", None)]
        assert done.messages == [
            f"{field} is not allowed in state PUBLISHED; allowed: retireWorkflow, reviseWorkflow; "
            "create the next revision with reviseWorkflow and change that"
        ]


async def test_a_draft_is_thrown_away(authoring: Authoring) -> None:
    draft = await drafted(authoring, "away", configurationItemIds=[item(1)])
    done = await authoring.do("discardWorkflow", id=draft["id"], expectedVersion=1)
    assert (done.shown, done.errors) == (None, [])
    uuid = draft["id"].partition("_")[2]
    for table in ("workflow_steps", "workflow_configuration_items"):
        assert authoring.writing.rows(f"SELECT count(*) FROM {table} WHERE workflow_id = %s", uuid) == [(0,)]
    audits, outbox = authoring.writing.left(draft["id"])
    assert [(each[0], each[3] is None) for each in audits] == [("CreateWorkflow", False), ("DiscardWorkflow", True)]
    assert [each[1] for each in outbox] == ["CREATED", "DELETED"]


async def test_a_repeated_call_drafts_once(authoring: Authoring) -> None:
    input: dict[str, Any] = {
        "key": "once", "name": "Once", "steps": [STEP], "trigger": {"priority": [1]}, "idempotencyKey": "k1",
    }  # fmt: skip
    one, two = [await authoring.do("createWorkflow", **input) for _ in range(2)]
    assert (one.shown["id"], one.errors) == (two.shown["id"], two.errors)
    other = await authoring.do("createWorkflow", **(input | {"trigger": {"priority": [2]}}))
    assert other.codes == [("KEY_REUSED", "idempotencyKey")]


async def test_who_may_not_write_workflows_writes_none(authoring: Authoring) -> None:
    before = authoring.everything()
    for field, input in (
        ("createWorkflow", {"key": "a", "name": "a"}),
        ("publishWorkflow", {"id": "wf_01931f0a-0000-7000-8000-0000000000aa", "expectedVersion": 1}),
    ):
        body = await authoring.send(field, somebody("eve"), **input)
        assert [each["extensions"]["code"] for each in body["errors"]] == ["FORBIDDEN"]
    assert authoring.everything() == before


async def test_an_unknown_workflow_is_not_found(authoring: Authoring) -> None:
    for field in ("updateWorkflow", "publishWorkflow", "retireWorkflow", "reviseWorkflow", "discardWorkflow"):
        done = await authoring.do(field, AUTHOR, id="wf_01931f0a-0000-7000-8000-0000000000aa", expectedVersion=1)
        assert (done.shown, done.codes) == (None, [("NOT_FOUND", "id")])
