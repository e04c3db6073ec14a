"""The service as the role that migrations made: it reads, writes, follows and leads, and changes no table."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from settings import load_settings
from tests.e2e.test_workflow_runs import led, seeded
from tests.fixtures.events import upserted
from tests.fixtures.owners import Owned, owned
from tests.fixtures.serving import serving
from workers import events, migrations, projection, requirements, workflows

# What asks for every kind of right that a request needs: a lock of a table, numbers, a function with its own settings.
DOCUMENTS: list[tuple[str, Any]] = [
    ('mutation { defineConfigurationItemClass(input: {key: "vault", name: "Vault"}) { userErrors { message } } }',
     {"defineConfigurationItemClass": {"userErrors": []}}),
    ('mutation { createConfigurationItem(input: {name: "shop", classKey: "vault"}) { userErrors { message } } }',
     {"createConfigurationItem": {"userErrors": []}}),
    ('mutation { createRequirement(input: {key: "safe", title: "Always safe"}) { userErrors { message } } }',
     {"createRequirement": {"userErrors": []}}),
    ("{ configurationItems { totalCount } requirements { totalCount } }",
     {"configurationItems": {"totalCount": 1}, "requirements": {"totalCount": 1}}),
    ('{ search(text: "shup") { results { title } } }', {"search": {"results": [{"title": "shop"}]}}),
    ('{ search(text: "alwais safe") { results { title } } }', {"search": {"results": [{"title": "Always safe"}]}}),
]  # fmt: skip


@pytest.fixture
def server(postgres: EmbeddedPostgres) -> Iterator[Owned]:
    """Both databases as the function of migrations leaves them, of an owner who is no superuser."""
    with owned(postgres) as made:
        deployed = {
            "DATABASE_URL": made.url("main"), "REQUIREMENTS_URL": made.url("requirements"), "REDIS_URL": "off",
            "DATABASE_ROLE": made.role,
        }  # fmt: skip
        event = {"RequestType": "Create", "ResourceProperties": {"Phase": "pre"}}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in deployed.items():
                patch.setenv(name, value)
            told = migrations.handler(event, None)
        assert told["Data"]["Applied"] > 10
        made.unlock(made.role)
        yield made


def variables(server: Owned) -> dict[str, str]:
    return {
        "DATABASE_URL": server.url("main", server.role),
        "REQUIREMENTS_URL": server.url("requirements", server.role),
        "REDIS_URL": "off",
    }


class Remaining:
    """The context of a Lambda call."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


async def test_it_answers_and_writes(server: Owned) -> None:
    async with serving(variables(server)) as client:
        for document, data in DOCUMENTS:
            answer = (await client.post("/graphql", json={"query": document})).json()
            assert (answer.get("errors"), answer["data"]) == (None, data)
        ready = (await client.get("/health/ready")).json()
    assert [each["reachable"] for each in ready["stores"]] == [True] * len(ready["stores"])


def test_its_workers_do_their_work(server: Owned, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(server).items():
        monkeypatch.setenv(name, value)
    event = {"messageId": "m1", "body": json.dumps(upserted("1", "a")), "attributes": {"MessageGroupId": "one"}}
    dead = {"messageId": "m2", "body": "no event", "attributes": {"MessageGroupId": "two"}}
    events._open_lambda.cache_clear()
    try:
        runner, sources, *_ = events._open_lambda()
        assert events.handler({"Records": [event, dead]}, None) == {"batchItemFailures": []}
        runner.run(sources.close())
        runner.close()
    finally:
        events._open_lambda.cache_clear()
    assert projection.handler({}, Remaining())["refused"] == 0
    assert requirements.handler({}, Remaining()) == {"rows": 0}
    assert workflows.handler({}, Remaining()) == {"done": 0}


async def test_it_leads_a_run_from_its_start_to_its_end(server: Owned) -> None:
    item = seeded(server.url("main"))
    await led(
        server.url("main"),
        load_settings(variables(server) | {"REQUIREMENTS_URL": server.url("main", server.role)}),
        item,
    )
