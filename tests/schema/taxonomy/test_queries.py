"""Classes of configuration items and types of relationships by GraphQL."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from tests.fixtures.databases import ask, create_database, person, sources_of

SEED = """
INSERT INTO configuration_item_classes VALUES
    ('ci', NULL, 'Configuration item', 'Anything'), ('server', 'ci', 'Server', ''), ('database', 'ci', 'Database', ''),
    ('cache', 'database', 'Cache', ''), ('person', NULL, 'Person', '');
INSERT INTO configuration_items (id, name, class_key) VALUES
    (gen_random_uuid(), 'redis', 'cache'), (gen_random_uuid(), 'ledger', 'database'),
    (gen_random_uuid(), 'host', 'server');
INSERT INTO relationship_types VALUES
    ('runs_on', 'runs on', 'runs', 'REVERSE', 'Where something runs'), ('feeds', 'feeds', 'is fed by', 'FORWARD', ''),
    ('near', 'is near', 'is near', 'NONE', '');
"""


@pytest.fixture(scope="module")
async def sources(postgres: EmbeddedPostgres) -> AsyncIterator[Sources]:
    main = create_database(postgres, "taxonomy_main")
    with psycopg.connect(main) as connection:
        connection.execute(SEED)
    opened = sources_of(main, main)
    yield opened
    await opened.close()


async def test_relationship_types_come_whole_in_one_statement(sources: Sources) -> None:
    answered = await ask(sources, "{ relationshipTypes { key label inverseLabel impact description } }")
    assert answered.errors == []
    assert answered.data["relationshipTypes"] == [
        {"key": "feeds", "label": "feeds", "inverseLabel": "is fed by", "impact": "FORWARD", "description": ""},
        {"key": "near", "label": "is near", "inverseLabel": "is near", "impact": "NONE", "description": ""},
        {
            "key": "runs_on", "label": "runs on", "inverseLabel": "runs", "impact": "REVERSE",
            "description": "Where something runs",
        },
    ]  # fmt: skip
    assert answered.sql == 1


async def test_classes_with_parents_children_and_items_of_subclasses(sources: Sources) -> None:
    answered = await ask(
        sources,
        """{ configurationItemClasses {
          key parent { key } children { key } configurationItems { totalCount nodes { name } }
        } }""",
    )
    assert answered.errors == []
    assert [
        (
            each["key"],
            each["parent"] and each["parent"]["key"],
            [child["key"] for child in each["children"]],
            each["configurationItems"]["totalCount"],
            [item["name"] for item in each["configurationItems"]["nodes"]],
        )
        for each in answered.data["configurationItemClasses"]
    ] == [
        ("cache", "database", [], 1, ["redis"]),
        ("ci", None, ["database", "server"], 3, ["host", "ledger", "redis"]),
        ("database", "ci", ["cache"], 2, ["ledger", "redis"]),
        ("person", None, [], 0, []),
        ("server", "ci", [], 1, ["host"]),
    ]
    # The taxonomy; then parents, children, pages and counts for all five classes at once.
    assert answered.sql == 5


async def test_items_of_a_class_are_filtered_ordered_grouped_and_paged(sources: Sources) -> None:
    answered = await ask(
        sources,
        """{ configurationItems(filter: {name: {eq: "ledger"}}) { nodes { class {
          all: configurationItems(first: 1, orderBy: {field: NAME, direction: DESC}) {
            nodes { name } pageInfo { hasNextPage } groups(by: CLASS) { value count }
          }
          configurationItems(filter: {class: {eq: "cache"}}) { nodes { name } }
        } } } }""",
    )
    assert answered.errors == []
    assert answered.data["configurationItems"]["nodes"] == [
        {
            "class": {
                "all": {
                    "nodes": [{"name": "redis"}],
                    "pageInfo": {"hasNextPage": True},
                    "groups": [{"value": "cache", "count": 1}, {"value": "database", "count": 1}],
                },
                "configurationItems": {"nodes": [{"name": "redis"}]},
            }
        }
    ]


@pytest.mark.parametrize("document", ["{ relationshipTypes { key } }", "{ configurationItemClasses { key } }"])
async def test_both_take_the_permission_to_read_items(sources: Sources, document: str) -> None:
    answered = await ask(sources, document, person("incidents:read"))
    assert (answered.codes, answered.sql) == (["FORBIDDEN"], 0)
    assert answered.errors[0]["extensions"]["permission"] == "configuration-items:read"
