"""Every trusted document costs exactly what it declares, on the demo landscape and with nothing cached."""

from typing import Any

import pytest

from schema.operations import TrustedDocument, trusted_documents
from schema.operations.catalog import operation_catalog
from tests.fixtures.demo import answer_to

# Of documents that questions in words choose, by the name of the variable; items as source and key.
WORDS = {
    "item": ("gitlab", "redis"), "from": ("gitlab", "web"), "to": ("gitlab", "redis"), "team": "scalability",
    "incident": "INC0001001", "change": "CHG0000106",
}  # fmt: skip
VARIABLES: dict[str, dict[str, Any]] = {
    "ask": {"question": "How do I fail over Redis?"},
    "configuration-item": {"source": "gitlab", "key": "redis"},
    "incident-overview": {"number": "INC0001001"},
    "search": {"text": "redis"},
}


async def answer(demo: tuple[str, str], document: TrustedDocument, **more: Any) -> dict[str, Any]:
    variables = VARIABLES.get(document.name, {}) | more
    for operation in operation_catalog():
        for name in operation.required if operation.name == document.name else ():
            if name == "answer":
                variables[name] = await find_answer(demo)
                continue
            value = WORDS[name]
            variables[name] = value if isinstance(value, str) else await find_id(demo, *value)
    return await answer_to(demo, document.text, variables)


async def find_answer(demo: tuple[str, str]) -> str:
    body = await answer_to(demo, '{ ask(question: "How do I fail over Redis?") { id } }', {})
    id_: str = body["data"]["ask"]["id"]
    return id_


async def find_id(demo: tuple[str, str], source: str, key: str) -> str:
    text = "query ($key: IdentificationKeyInput!) { configurationItem(key: $key) { id } }"
    body = await answer_to(demo, text, {"key": {"source": source, "key": key}})
    id_: str = body["data"]["configurationItem"]["id"]
    return id_


def test_there_are_trusted_documents() -> None:
    assert {document.name for document in trusted_documents().values()} >= {"incident-overview", "search", "teams"}


@pytest.mark.parametrize("document", trusted_documents().values(), ids=lambda document: document.name)
async def test_a_document_costs_what_it_declares(demo: tuple[str, str], document: TrustedDocument) -> None:
    body = await answer(demo, document)
    assert "errors" not in body
    assert all(value is not None for value in body["data"].values())
    stores_ = body["extensions"]["stores"]
    assert (stores_["sql"], stores_["graph"]) == (document.budget.sql, document.budget.graph)


async def test_the_overview_costs_the_same_however_much_it_answers(demo: tuple[str, str]) -> None:
    overview = next(each for each in trusted_documents().values() if each.name == "incident-overview")
    small, large = await answer(demo, overview, dependents=2), await answer(demo, overview, dependents=50)
    assert small["extensions"]["stores"]["rows"] < large["extensions"]["stores"]["rows"] / 2
    for cost in ("sql", "graph"):
        assert small["extensions"]["stores"][cost] == large["extensions"]["stores"][cost]
