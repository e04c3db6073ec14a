"""What holds for every mutation of items, relationships, groups, classes and types."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from schema.configuration_items.mutations import ConfigurationItemMutations
from schema.declarations.fields import declared_fields
from schema.declarations.user_errors import camel_case
from schema.relationships.mutations import RelationshipMutations
from schema.taxonomy.mutations import TaxonomyMutations
from tests.fixtures.databases import person
from tests.fixtures.writing import PERMISSIONS, SELECTIONS, Writer, alone, database

NEEDS = {
    camel_case(name): field.needs
    for root in (ConfigurationItemMutations, RelationshipMutations, TaxonomyMutations)
    for name, field in declared_fields(root).items()
}


@pytest.fixture(scope="module")
async def writer(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    opened = alone(database(postgres, "every_item_mutation"))
    yield opened
    await opened.sources.close()


Input = Callable[[Writer], Awaitable[dict[str, Any]]]


async def item(writer: Writer) -> dict[str, Any]:
    return {"id": await writer.item(), "expectedVersion": 1}


async def update(writer: Writer) -> dict[str, Any]:
    return await item(writer) | {"name": "store"}


async def retired(writer: Writer) -> dict[str, Any]:
    input = await item(writer)
    await writer.done("retireConfigurationItem", **input)
    return input | {"expectedVersion": 2}


async def key(writer: Writer) -> dict[str, Any]:
    id_ = await writer.item()
    return {"configurationItemId": id_, "source": "cmdb", "key": id_}


async def added(writer: Writer) -> dict[str, Any]:
    input = await key(writer)
    await writer.done("addIdentificationKey", **input)
    return input


async def ends(writer: Writer) -> dict[str, Any]:
    return {"fromId": await writer.item(), "toId": await writer.item(), "typeKey": "depends_on"}


async def many_ends(writer: Writer) -> dict[str, Any]:
    return {"items": [await ends(writer)], "mode": "PER_ITEM"}


async def relationship(writer: Writer) -> dict[str, Any]:
    return {"id": await writer.relationship(await writer.item(), await writer.item()), "expectedVersion": 1}


async def said(writer: Writer) -> dict[str, Any]:
    return await relationship(writer) | {"attributes": {"a": 1}}


async def group(writer: Writer) -> dict[str, Any]:
    dependent = await writer.item()
    member = await writer.relationship(dependent, await writer.item())
    return {"dependentId": dependent, "name": "g", "needed": 1, "relationshipIds": [member]}


async def defined(writer: Writer) -> dict[str, Any]:
    return {"id": (await writer.done("defineRedundancyGroup", **await group(writer)))["id"]}


def given(**input: Any) -> Input:
    async def same(_: Writer) -> dict[str, Any]:
        return input

    return same


INPUTS: dict[str, Input] = {
    "createConfigurationItem": given(name="a", classKey="service"),
    "createConfigurationItemsInBulk": given(items=[{"name": "a", "classKey": "service"}], mode="PER_ITEM"),
    "updateConfigurationItem": update,
    "retireConfigurationItem": item,
    "restoreConfigurationItem": retired,
    "addIdentificationKey": key,
    "removeIdentificationKey": added,
    "relateConfigurationItems": ends,
    "relateConfigurationItemsInBulk": many_ends,
    "updateRelationship": said,
    "unrelateConfigurationItems": relationship,
    "defineRedundancyGroup": group,
    "removeRedundancyGroup": defined,
    "defineConfigurationItemClass": given(key="c", name="C"),
    "defineRelationshipType": given(key="t", label="t", inverseLabel="of t", impact="NONE"),
}


def test_every_mutation_is_tried() -> None:
    assert set(INPUTS) == set(NEEDS) == set(SELECTIONS)
    assert len(NEEDS) == 15


@pytest.mark.parametrize("mutation", INPUTS)
async def test_without_its_permission_nothing_is_done_and_with_it_everything_once(
    writer: Writer, mutation: str
) -> None:
    input = await INPUTS[mutation](writer) | {"idempotencyKey": mutation}
    before = writer.counts()
    others = person(*(each for each in PERMISSIONS if each != NEEDS[mutation]))
    answer = await writer.send(mutation, others, **input)
    assert (answer.codes, answer.data) == (["FORBIDDEN"], {mutation: None})
    kept = "SELECT count(*) FROM idempotent_answers WHERE key = %s"
    assert (writer.counts(), writer.rows(kept, mutation)) == (before, [(0,)])

    first = await writer.write(mutation, **input)
    assert first["userErrors"] == []
    after = writer.counts()
    assert after["audit_entries"] > before["audit_entries"]
    assert await writer.write(mutation, **input) == first
    assert (writer.counts(), writer.rows(kept, mutation)) == (after, [(1,)])
    unsigned = "SELECT count(*) FROM outbox WHERE request_id = '' AND entity <> 'TEAM'"
    assert writer.rows(unsigned) == [(0,)]
