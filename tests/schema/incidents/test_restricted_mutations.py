"""The law of restricted incidents for writers: outside its team one can't be told from one that does not exist."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from schema.declarations.fields import declared_fields
from schema.declarations.user_errors import camel_case
from schema.incidents.mutations import IncidentMutations
from schema.incidents.transitions import IncidentStepMutations
from tests.fixtures.operations import opened
from tests.fixtures.writing import ADA, BOB, EVE, Writer, incident, item, somebody, team, user

ITEMS = {"role": "CAUSE", "configurationItemIds": [item(1)]}
INPUTS: dict[str, dict[str, Any]] = {
    "updateIncident": {"title": "x"},
    "assignIncident": {"teamId": team(2), "assigneeId": user(2)},
    "addIncidentNote": {"note": "x"},
    "linkIncidentItems": ITEMS,
    "unlinkIncidentItems": ITEMS,
    "startIncident": {},
    "holdIncident": {},
    "resumeIncident": {},
    "resolveIncident": {"resolutionCode": "x", "resolution": "x"},
    "reopenIncident": {},
    "closeIncident": {},
    "cancelIncident": {},
}
# Inputs that are refused, so that what is checked before the row is the same for every id too.
WRONG: dict[str, dict[str, Any]] = {
    "updateIncident": {"impact": 9},
    "assignIncident": {"teamId": team(9)},
    "addIncidentNote": {"note": " "},
    "linkIncidentItems": ITEMS | {"configurationItemIds": [item(9)]},
    "unlinkIncidentItems": ITEMS | {"configurationItemIds": [item(9)]},
    "resolveIncident": {"resolutionCode": " ", "resolution": " "},
}
CALLS = [*INPUTS.items(), *WRONG.items()]
SECRETS = ("Quiet fault", "whispered", "hush", "OMIT", "sealed", "muttered", item(1)[3:], item(2)[3:])


@pytest.fixture(scope="module")
async def writing(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    async with opened(postgres, "restricted_mutations") as operations:
        yield Writer(operations.sources, operations.url)


def test_every_mutation_of_an_incident_is_here() -> None:
    fields = [*declared_fields(IncidentMutations), *declared_fields(IncidentStepMutations)]
    assert {camel_case(each) for each in fields} == set(INPUTS) | {"openIncident"}


@pytest.mark.parametrize(("field", "input"), CALLS)
@pytest.mark.parametrize("version", [1, 7])
async def test_a_hidden_incident_is_answered_as_an_unknown_one(
    writing: Writer, field: str, input: dict[str, Any], version: int
) -> None:
    before = writing.everything()
    for who in (BOB, EVE):
        hidden, unknown = [
            orjson.dumps(await writing.send(field, who, id=id, expectedVersion=version, **input))
            for id in (incident(2), incident(99))
        ]
        assert hidden == unknown
    if (field, input) in INPUTS.items():
        assert orjson.loads(hidden)["data"][field] == {
            "incident": None,
            "userErrors": [
                {
                    "code": "NOT_FOUND", "field": "id",
                    "message": "there is no incident with this id; pass the id of one that you can read",
                }
            ],
        }  # fmt: skip
    assert writing.everything() == before


async def test_its_team_and_who_reads_all_may_write_it(writing: Writer) -> None:
    done = await writing.do("addIncidentNote", ADA, id=incident(2), expectedVersion=1, note="seen")
    assert (done.errors, done.shown["version"]) == ([], 2)
    all_seeing = somebody("eve", also="incidents:read-restricted")
    done = await writing.do("addIncidentNote", all_seeing, id=incident(2), expectedVersion=2, note="seen")
    assert (done.errors, done.shown["version"]) == ([], 3)


async def test_no_word_of_a_restricted_incident_is_outside_of_it(writing: Writer) -> None:
    """Its whole life: neither the audit entries, nor the outbox, nor kept answers hold its words or its items."""
    done = await writing.do(
        "openIncident", ADA, title="Quiet fault", description="whispered", category="hush", impact=1, urgency=1,
        teamId=team(1), assigneeId=user(1), restrictedTeamId=team(1), affectedIds=[item(1)], causeIds=[item(2)],
        idempotencyKey="secret-1",
    )  # fmt: skip
    assert (done.errors, done.shown["restricted"], done.shown["title"]) == ([], True, "Quiet fault")
    id = done.shown["id"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("startIncident", {"note": "muttered"}),
        ("updateIncident", {"title": "Quiet fault again", "description": "whispered twice"}),
        ("linkIncidentItems", {"role": "CAUSE", "configurationItemIds": [item(1)]}),
        ("unlinkIncidentItems", {"role": "CAUSE", "configurationItemIds": [item(1)]}),
        ("addIncidentNote", {"note": "muttered"}),
        ("resolveIncident", {"resolutionCode": "OMIT", "resolution": "sealed"}),
        ("closeIncident", {"note": "muttered"}),
    ]
    for version, (field, input) in enumerate(steps, 1):
        done = await writing.do(field, ADA, id=id, expectedVersion=version, idempotencyKey=f"secret-{field}", **input)
        assert (done.errors, done.shown["version"]) == ([], version + 1)
    audit, outbox = writing.left(id)
    assert [each[0] for each in audit] == ["OpenIncident"] + [field[0].upper() + field[1:] for field, _ in steps]
    states = [each[3]["state"] for each in audit if "state" in each[3]]
    assert states == ["NEW", "IN_PROGRESS", "RESOLVED", "CLOSED"]
    assert [each[3].keys() - {"state", "resolved_at", "closed_at"} for each in audit[1:]] == [
        {"id", "version", "updated_at"}
    ] * 7
    assert len(outbox) == 8
    answers = writing.rows("SELECT * FROM idempotent_answers WHERE key LIKE 'secret%%'")
    assert len(answers) == 8
    outside = str(audit) + str(outbox) + str(answers)
    assert [secret for secret in SECRETS if secret in outside] == []


async def test_a_repeated_call_shows_nothing_to_who_sees_the_incident_no_longer(writing: Writer) -> None:
    input = {"title": "Quiet fault", "restrictedTeamId": team(1), "idempotencyKey": "left"}
    assert (await writing.do("openIncident", ADA, **input)).shown["title"] == "Quiet fault"
    done = await writing.do("openIncident", somebody("ada"), **input)
    assert (done.shown, done.errors) == (None, [])


async def test_a_stale_or_illegal_step_tells_no_more_than_the_version_and_the_state(writing: Writer) -> None:
    done = await writing.do("openIncident", ADA, title="Quiet fault", description="whispered", restrictedTeamId=team(1))
    id = done.shown["id"]
    stale = await writing.do("closeIncident", ADA, id=id, expectedVersion=5)
    illegal = await writing.do("closeIncident", ADA, id=id, expectedVersion=1)
    assert stale.messages == ["it is now at version 1; read it again and repeat the call with that version"]
    assert illegal.messages == [
        "closeIncident is not allowed in state NEW; allowed: addIncidentNote, assignIncident, cancelIncident, "
        "linkIncidentItems, startIncident, unlinkIncidentItems, updateIncident"
    ]
