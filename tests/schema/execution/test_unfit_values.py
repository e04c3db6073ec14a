"""Values that no store holds: every argument of every query names them, and every mutation tells of them by field."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from datasources.values import document_violation, text_violation
from tests.fixtures.databases import READER, ask, create_database, person, sources_of
from tests.fixtures.json_values import DOCUMENTS, TEXTS, VALUES, alike
from tests.fixtures.profiles import examples
from tests.fixtures.selections import GRAPHQL, places
from tests.fixtures.writing import Writer, alone, database

READ = person(
    *READER, "ai-usage:read", "answers:ask", "feed:read", "relationships:read", "impact:read", "consistency:read"
)

UNFIT: dict[str, list[Any]] = {
    "String": ["a\0b", "\ud83d"],
    "ID": ["a\0b", "\ud83d"],
    "DateTime": [
        "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-05:00", "9999-12-31T24:00:00Z", "2026-01-01T00:00:00",
    ],
    "JSON": [{"a": 2**64}, {"a": float("inf")}, {"a": ["\0"]}, {"\ud83d": 1}],
}  # fmt: skip


def documents() -> list[tuple[str, str, Any, str]]:
    """Every place of an argument of a root field: the document, the argument, the scalar and the wrapping."""
    found = []
    assert GRAPHQL.query_type is not None
    for name, field in GRAPHQL.query_type.fields.items():
        required = {arg: each for arg, each in field.args.items() if str(each.type).endswith("!")}
        for arg, definition in field.args.items():
            others = "".join(f", {each}: {DEFAULTS[name, each]}" for each in required if each != arg)
            document = f"query ($value: {definition.type}) {{ {name}({arg}: $value{others}) {{ __typename }} }}"
            for path, scalar, wrap in places(definition.type, 3):
                if scalar in UNFIT:
                    found.append((document, ".".join((arg, *path)), wrap, scalar))
    return found


ITEM = '"ci_01931f0a-0000-7000-8000-00000000dead"'
DEFAULTS = {
    ("changesSince", "first"): "1", ("search", "first"): "1", ("search", "text"): '"a"', ("impact", "of"): f"[{ITEM}]",
    ("ask", "question"): '"a"', ("findOperation", "question"): '"a"', ("paths", "from"): ITEM,
    ("paths", "to"): ITEM, ("aiUsage", "range"): '{ from: "2026-01-01T00:00:00Z" }', ("aiUsage", "groupBy"): "DAY",
}  # fmt: skip
DOCUMENTED = documents()


@pytest.fixture(scope="module")
async def sources(postgres: EmbeddedPostgres) -> AsyncIterator[Sources]:
    main = create_database(postgres, "unfit_main")
    opened = sources_of(main, create_database(postgres, "unfit_requirements", "requirements"))
    yield opened
    await opened.close()


async def test_every_argument_names_what_no_store_holds(sources: Sources) -> None:
    """No statement is sent for any of them."""
    assert len(DOCUMENTED) > 100
    wrong = []
    for document, path, wrap, scalar in DOCUMENTED:
        for value in UNFIT[scalar]:
            answer = await ask(sources, document, READ, value=wrap(value))
            codes = [error["extensions"]["code"] for error in answer.errors]
            words = " ".join(error["message"] for error in answer.errors)
            named = any(each in words for each in (path.split(".")[0], path.split(".")[-1], "$value"))
            # An input object without another required field has an error for that, too.
            if set(codes) != {"BAD_USER_INPUT"} or not named or answer.sql:
                wrong.append((path, value, answer.errors, answer.sql))
    assert wrong == []


LAW = settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
EQUAL = "query ($text: String!) { configurationItems(filter: { name: { eq: $text } }) { totalCount nodes { name } } }"
HOLDS = "query ($value: JSON!) { configurationItems(filter: { attributes: { holds: $value } }) { totalCount } }"


@LAW
@given(text=TEXTS)
async def test_any_text_in_a_filter_is_answered_or_named(sources: Sources, text: str) -> None:
    answer = await ask(sources, EQUAL, READ, text=text)
    assert answer.codes == ([] if text_violation(text) is None else ["BAD_USER_INPUT"])


@LAW
@given(value=VALUES)
async def test_any_document_in_a_filter_is_answered_or_named(sources: Sources, value: Any) -> None:
    answer = await ask(sources, HOLDS, READ, value=value)
    expected = {(): True, ("BAD_USER_INPUT",): True, ("LIMIT_EXCEEDED",): True}
    assert tuple(answer.codes) in expected
    if value is not None and document_violation(value) is not None:
        assert answer.codes != []


@pytest.fixture(scope="module")
async def writer(postgres: EmbeddedPostgres) -> AsyncIterator[Writer]:
    opened = alone(database(postgres, "unfit_writer"))
    yield opened
    await opened.sources.close()


@LAW
@given(attributes=DOCUMENTS)
async def test_any_attributes_are_read_back_equal_or_refused_by_name(writer: Writer, attributes: Any) -> None:
    answer = await writer.send("createConfigurationItem", name="a", classKey="service", attributes=attributes)
    if document_violation(attributes) is None:
        assert answer.errors == []
        payload = answer.data["createConfigurationItem"]
        assert payload["userErrors"] == []
        assert alike(payload["configurationItem"]["attributes"], attributes)
    elif answer.errors:
        # Too deep for the variables of any request.
        assert answer.codes == ["LIMIT_EXCEEDED"]
    else:
        [error] = answer.data["createConfigurationItem"]["userErrors"]
        assert (error["code"], error["field"]) == ("INVALID", "attributes")


@LAW
@given(name=TEXTS, key=st.none() | TEXTS)
async def test_any_name_and_idempotency_key_are_read_back_equal_or_refused_by_name(
    writer: Writer, name: str, key: str | None
) -> None:
    # One key is good for one input.
    own = None if key is None else f"{key} of {name}"
    done = await writer.do("createConfigurationItem", name=name, classKey="service", idempotencyKey=own)
    if done.errors:
        fields = {(each["code"], each["field"]) for each in done.errors}
        assert fields <= {("INVALID", "name"), ("INVALID", "idempotencyKey")}
        assert not name.strip() or text_violation(f"{name}{key or ''}") is not None
    else:
        assert done.shown["name"] == name.strip()


def noise(count: int, first: int = 0x4E00, size: int = 20_000) -> str:
    """A text of three bytes a character that PostgreSQL can't compress."""
    return "".join(chr(first + (n * 7_919 * (n + 3)) % size) for n in range(count))


async def test_texts_too_long_for_an_index_are_refused_by_name_and_not_as_a_lost_store(writer: Writer) -> None:
    item, other = await writer.item(), await writer.item()
    assert await writer.refused("createConfigurationItem", name=noise(501), classKey="service") == [("INVALID", "name")]
    assert (await writer.done("createConfigurationItem", name=noise(500), classKey="service"))["name"] == noise(500)
    key = {"configurationItemId": item, "source": noise(500), "key": noise(500)}
    assert await writer.refused("addIdentificationKey", **key) == [("INVALID", "key")]
    key |= {"source": noise(366)}
    assert (await writer.done("addIdentificationKey", **key))["keys"] == [{"source": noise(366), "key": noise(500)}]
    await writer.done("defineRelationshipType", key=noise(500), label="a", inverseLabel="b", impact="NONE")
    ends = {"fromId": item, "toId": other, "typeKey": noise(500)}
    assert await writer.refused("relateConfigurationItems", **ends, source=noise(367)) == [("INVALID", "source")]
    assert (await writer.done("relateConfigurationItems", **ends, source=noise(366)))["source"] == noise(366)
    long = {"name": "a", "classKey": "service", "idempotencyKey": noise(867)}
    assert await writer.refused("createConfigurationItem", **long) == [("INVALID", "idempotencyKey")]
    await writer.done("createConfigurationItem", **long | {"idempotencyKey": noise(866)})


async def test_a_bulk_refuses_the_unfit_ones_alone(writer: Writer) -> None:
    items = [
        {"name": "a", "classKey": "service", "attributes": each} for each in ({"a": 1}, {"a": 2**64}, {"a": ["\0"]})
    ]
    items += [{"name": "b\0", "classKey": "service"}, {"name": "c", "classKey": "\ud83d"}]
    done = await writer.do("createConfigurationItemsInBulk", items=items, mode="PER_ITEM")
    assert len(done.shown) == 1
    assert done.codes == [
        ("INVALID", "items.1.attributes"), ("INVALID", "items.2.attributes"), ("INVALID", "items.3.name"),
        ("NOT_FOUND", "items.4.classKey"),
    ]  # fmt: skip
