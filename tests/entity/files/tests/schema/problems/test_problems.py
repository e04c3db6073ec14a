"""A problem is imported, written, read and followed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.imports.run import ImportOptions, run_import
from tests.fixtures.operations import Operations, opened

MAPPING = """
source: helpdesk
files: {list: {path: problems.csv}}
sections: [{entity: problems, file: list, fields: {key: key, title: title}}]
"""


@pytest.fixture(scope="module")
async def problems(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "problems") as operations:
        permissions = operations.permissions | {"problems:read", "problems:write", "feed:read"}
        yield replace(operations, permissions=permissions)


async def write(problems: Operations, name: str, given: dict[str, Any]) -> Any:
    kind = name[0].upper() + name[1:]
    shown = "problem { id key title description version } userErrors { code field }"
    document = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {shown} }} }}"
    return (await problems.data(document, input=given))[name]


async def test_a_problem_from_import_to_change_feed(problems: Operations, tmp_path: Path) -> None:
    start = (await problems.data("{ changesSince { endCursor } }"))["changesSince"]["endCursor"]
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "problems.csv").write_text("key,title\nPRB1,Memory leaks\n")
    sources = problems.sources
    await run_import(tmp_path / "mapping.yaml", tmp_path, sources.main, sources.requirements, ImportOptions())

    opened_one = await write(problems, "openProblem", {"key": "PRB2", "title": "Disks fail"})
    assert opened_one["userErrors"] == []
    taken = await write(problems, "openProblem", {"key": "PRB1", "title": "Again"})
    assert taken == {"problem": None, "userErrors": [{"code": "TAKEN", "field": "key"}]}
    id, version = opened_one["problem"]["id"], opened_one["problem"]["version"]
    updated = await write(problems, "updateProblem", {"id": id, "expectedVersion": version, "title": "Old disks fail"})
    assert updated["problem"] == {"id": id, "key": "PRB2", "title": "Old disks fail", "description": "", "version": 2}
    stale = await write(problems, "updateProblem", {"id": id, "expectedVersion": version, "title": "Disks"})
    assert stale["userErrors"] == [{"code": "CONFLICT", "field": "expectedVersion"}]

    found = await problems.data(
        """query ($id: ID!) { problems(filter: { title: { contains: "fail" } }) { totalCount nodes { key } }
               problem(key: "PRB1") { title updatedAt } node(id: $id) { ... on Problem { key } } }""",
        id=id,
    )
    assert found["problems"] == {"totalCount": 1, "nodes": [{"key": "PRB2"}]}
    assert found["problem"]["title"] == "Memory leaks"
    assert found["node"] == {"key": "PRB2"}

    followed = await problems.data(
        """query ($after: String) { changesSince(cursor: $after) {
               entries { kind step node { ... on Problem { key } } } } }""",
        after=start,
    )
    assert [(each["kind"], each["step"], each["node"]["key"]) for each in followed["changesSince"]["entries"]] == [
        ("PROBLEM", "CREATED", "PRB1"),
        ("PROBLEM", "CREATED", "PRB2"),
        ("PROBLEM", "CHANGED", "PRB2"),
    ]


async def test_problems_need_their_permissions(problems: Operations) -> None:
    for without in ("problems:read", "problems:write"):
        document = (
            "{ problems { totalCount } }"
            if without == "problems:read"
            else 'mutation { openProblem(input: { key: "PRB3", title: "x" }) { userErrors { code } } }'
        )
        answer = await replace(problems, permissions=problems.permissions - {without}).ask(document)
        assert [error["extensions"]["code"] for error in answer.errors] == ["FORBIDDEN"]
