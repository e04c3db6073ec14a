"""Users, their teams, and who works on what."""

from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.operations import USER, Operations, opened, uuid


@pytest.fixture(scope="module")
async def users(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "users") as operations:
        yield operations


async def test_by_id_and_by_key_are_the_same_user(users: Operations) -> None:
    answer = await users.ask(
        f"""{{ a: user(key: "ada") {{ id key name email active version }}
               b: user(id: "user_{uuid(USER, 1)}") {{ key }}
               node(id: "user_{uuid(USER, 3)}") {{ id ... on User {{ active }} }}
               none: user(key: "eve") {{ id }} other: user(id: "team_{uuid(USER, 1)}") {{ id }} }}"""
    )
    assert answer.errors == []
    assert answer.data == {
        "a": {
            "id": f"user_{uuid(USER, 1)}",
            "key": "ada",
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "active": True,
            "version": 1,
        },
        "b": {"key": "ada"},
        "node": {"id": f"user_{uuid(USER, 3)}", "active": False},
        "none": None,
        "other": None,
    }
    # One for both keys, one for both ids.
    assert answer.statements == 2


async def test_teams_and_memberships_of_all_users_take_one_statement_each(users: Operations) -> None:
    answer = await users.ask(
        """{ users { nodes { key teams { totalCount nodes { key } }
                             memberships { role team { key } user { key } } } } }"""
    )
    assert answer.errors == []
    assert answer.data["users"]["nodes"] == [
        {
            "key": "ada",
            "teams": {"totalCount": 2, "nodes": [{"key": "payments"}, {"key": "platform"}]},
            "memberships": [
                {"role": "LEAD", "team": {"key": "payments"}, "user": {"key": "ada"}},
                {"role": "MEMBER", "team": {"key": "platform"}, "user": {"key": "ada"}},
            ],
        },
        {
            "key": "bob",
            "teams": {"totalCount": 1, "nodes": [{"key": "platform"}]},
            "memberships": [{"role": "MEMBER", "team": {"key": "platform"}, "user": {"key": "bob"}}],
        },
        {"key": "cyd", "teams": {"totalCount": 0, "nodes": []}, "memberships": []},
    ]
    # Users, teams, their count, memberships, the memberships' teams and users.
    assert answer.statements == 6


async def test_members_of_teams_by_name(users: Operations) -> None:
    answer = await users.ask("{ teams { nodes { key members { role user { name } } } } }")
    assert answer.data["teams"]["nodes"] == [
        {"key": "payments", "members": [{"role": "LEAD", "user": {"name": "Ada Lovelace"}}]},
        {
            "key": "platform",
            "members": [
                {"role": "MEMBER", "user": {"name": "Ada Lovelace"}},
                {"role": "MEMBER", "user": {"name": "Bob Kahn"}},
            ],
        },
    ]
    assert answer.statements == 3


async def test_who_is_assigned_and_who_acted(users: Operations) -> None:
    answer = await users.ask(
        """{ incidents(orderBy: {field: NUMBER}) { nodes { number assignee { key } activities { user { key } } } }
             changes(orderBy: {field: NUMBER}) { nodes { number assignee { key } } } }"""
    )
    assert answer.errors == []
    assert [(each["number"], each["assignee"]) for each in answer.data["changes"]["nodes"]] == [
        ("CHG1", {"key": "ada"}),
        ("CHG2", {"key": "bob"}),
        ("CHG3", None),
        ("CHG4", None),
    ]
    assert answer.data["incidents"]["nodes"] == [
        {
            "number": "INC1",
            "assignee": {"key": "ada"},
            "activities": [{"user": {"key": "ada"}}, {"user": {"key": "bob"}}, {"user": None}],
        },
        {"number": "INC3", "assignee": None, "activities": []},
    ]
    # Incidents, changes, activities, assignees; whoever acted and is no assignee yet.
    assert answer.statements == 4


async def test_without_permission_only_the_field_is_null(users: Operations) -> None:
    answer = await users.asked_by(without="users:read").ask(
        '{ user(key: "ada") { key } change(number: "CHG1") { number assignee { key } team { key members { role } } } }'
    )
    assert answer.data == {
        "user": None,
        "change": {"number": "CHG1", "assignee": None, "team": {"key": "payments", "members": None}},
    }
    assert answer.codes == [
        ("change.assignee", "FORBIDDEN"),
        ("change.team.members", "FORBIDDEN"),
        ("user", "FORBIDDEN"),
    ]
    assert {error["extensions"]["permission"] for error in answer.errors} == {"users:read"}
    # No user was read: only the change and its team.
    assert answer.statements == 2
