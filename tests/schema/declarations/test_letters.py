"""Letters of all scripts, whatever the locale of the server: contains, startsWith and search, and the indexes below."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql
from uuid_utils import uuid7

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from tests.fixtures.databases import ask, create_database, sources_of
from tests.fixtures.profiles import examples
from workers.migrations import has_case_folding, migrate

NAMES = (
    "Öl-Pumpe-МАШИНА-ΛΌΓΟΣ", "platform-Straße", "İZMİR-Gateway", "支付网关-生产环境",
    "決済ゲートウェイ本番", "결제게이트웨이",
    "เซิร์ฟเวอร์ฐานข้อมูล", "платёжныйсервер", "100%_pure", "Cafe\u0301-Router",
    "ＦＵＬＬ幅", "plain-name", "Գլխավոր-ՍԵՐՎԵՐ",
)  # fmt: skip
CONTAINS = "query ($f: ConfigurationItemFilter) { configurationItems(filter: $f, first: 50) { nodes { name } } }"
SEARCH = "query ($t: String!) { search(text: $t, kinds: [CONFIGURATION_ITEM]) { results { title score } } }"


@pytest.fixture(scope="module", params=["C", "C.utf8"])
def url(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> str:
    """The same landscape under a locale that knows letters of ASCII alone, and under one that knows them all."""
    name = f"letters_{request.param}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_collation WHERE collname = %s", (request.param,)).fetchone():
            pytest.skip(f"this machine has no locale {request.param}")
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 LOCALE {}").format(sql.Identifier(name), request.param)
        )
    made = postgres.url(name)
    migrate("main", made)
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes VALUES ('server', NULL, 'Server', '')")
        for name in NAMES:
            connection.execute(
                "INSERT INTO configuration_items (id, name, class_key) VALUES (%s, %s, 'server')", (str(uuid7()), name)
            )
        connection.execute(
            "INSERT INTO documents (id, key, title, body) VALUES (%s, 'kb-1', 'Anleitung', %s)",
            (str(uuid7()), "Vor dem ÜBERTRAGEN das数据库备份 prüfen. Проверьте РЕЗЕРВНУЮ копию."),
        )
    return made


@pytest.fixture(scope="module")
async def sources(postgres: EmbeddedPostgres, url: str) -> AsyncIterator[Sources]:
    opened = sources_of(url, postgres.url("requirements"))
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened


async def filtered(sources: Sources, operator: str, text: str) -> list[str]:
    answered = await ask(sources, CONTAINS, f={"name": {operator: text}})
    assert answered.errors == []
    return [node["name"] for node in answered.data["configurationItems"]["nodes"]]


HELD = [
    ("öl-pumpe", "Öl-Pumpe-МАШИНА-ΛΌΓΟΣ"),
    ("ÖL-PUMPE", "Öl-Pumpe-МАШИНА-ΛΌΓΟΣ"),
    ("машина", "Öl-Pumpe-МАШИНА-ΛΌΓΟΣ"),
    ("λόγος", "Öl-Pumpe-МАШИНА-ΛΌΓΟΣ"),
    ("ΛΌΓΟΣ", "Öl-Pumpe-МАШИНА-ΛΌΓΟΣ"),
    ("STRASSE", "platform-Straße"),
    ("straẞe", "platform-Straße"),
    ("izmir", "İZMİR-Gateway"),
    ("ızmır", "İZMİR-Gateway"),
    ("网关", "支付网关-生产环境"),
    ("生", "支付网关-生产环境"),
    ("ゲートウェイ", "決済ゲートウェイ本番"),
    ("ｹﾞｰﾄｳｪｲ", "決済ゲートウェイ本番"),
    ("게이트", "결제게이트웨이"),
    ("ฐานข้อมูล", "เซิร์ฟเวอร์ฐานข้อมูล"),
    ("СЕРВЕР", "платёжныйсервер"),
    ("%_P", "100%_pure"),
    ("CAFÉ", "Cafe\u0301-Router"),
    ("full幅", "ＦＵＬＬ幅"),
    ("սերվեր", "Գլխավոր-ՍԵՐՎԵՐ"),
]


@pytest.mark.parametrize(("text", "name"), HELD)
async def test_contains_ignores_case_and_width(sources: Sources, text: str, name: str) -> None:
    assert await filtered(sources, "contains", text) == [name]


async def test_starts_with_ignores_case(sources: Sources) -> None:
    assert await filtered(sources, "startsWith", "öL") == ["Öl-Pumpe-МАШИНА-ΛΌΓΟΣ"]
    assert await filtered(sources, "startsWith", "支付") == ["支付网关-生产环境"]
    assert await filtered(sources, "startsWith", "网关") == []
    assert await filtered(sources, "startsWith", "100%") == ["100%_pure"]
    assert await filtered(sources, "startsWith", "100_") == []


async def test_marks_are_letters_of_their_own(sources: Sources) -> None:
    assert await filtered(sources, "contains", "cafe") == []
    assert await filtered(sources, "contains", "ol-pumpe") == []


@pytest.mark.parametrize(("text", "name"), [pair for pair in HELD if pair[0] != "%_P"])
async def test_search_finds_them_in_the_middle_of_a_run(sources: Sources, text: str, name: str) -> None:
    answered = await ask(sources, SEARCH, t=text)
    assert answered.errors == []
    assert answered.data["search"]["results"][0]["title"] == name
    assert answered.data["search"]["results"][0]["score"] >= 0.5


async def test_search_finds_letters_without_their_marks_and_typing_errors(sources: Sources) -> None:
    for text, name in (("cafe router", "Cafe\u0301-Router"), ("олатежныйсервер", "платёжныйсервер"),
                       ("支付网开", "支付网关-生产环境")):  # fmt: skip
        answered = await ask(sources, SEARCH, t=text)
        assert [each["title"] for each in answered.data["search"]["results"]] == [name], text


async def test_the_whole_name_in_another_case_is_exact(sources: Sources) -> None:
    for text in ("öl-pumpe-машина-λόγος", "PLATFORM-STRASSE", "платёжныйСервер"):
        answered = await ask(sources, SEARCH, t=text)
        assert answered.data["search"]["results"][0]["score"] == 1.0, text


@pytest.mark.parametrize("text", ["übertragen", "резервную", "数据", "备份", "据库", "РЕЗЕРВ"])
async def test_words_of_a_document_are_found_in_any_case_and_without_spaces(sources: Sources, text: str) -> None:
    answered = await ask(sources, "query ($t: String!) { search(text: $t) { results { title } } }", t=text)
    assert [each["title"] for each in answered.data["search"]["results"]] == ["Anleitung"]


async def test_letters_that_do_not_follow_each_other_are_no_phrase(sources: Sources) -> None:
    answered = await ask(sources, "query ($t: String!) { search(text: $t) { results { title } } }", t="数备")
    assert answered.data["search"]["results"] == []


@settings(max_examples=examples(150))
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8))
def test_whatever_holds_a_text_holds_its_spelling(connection: psycopg.Connection[Any], text: str) -> None:
    """The law that lets the index look first; and no text is an error."""
    row = connection.execute(
        "SELECT spelled(t.whole) LIKE '%%' || like_literal(spelled(t.part)) || '%%',"
        " octet_length(spelled(t.whole)) = length(spelled(t.whole)), worded(t.whole) IS NOT NULL,"
        " cardinality(near_keys(t.whole)) > 0 OR length(spelled(t.whole)) > 24"
        " FROM (SELECT 'Ab-' || folded(%(t)s::text) || '-Ж中' AS whole, folded(%(t)s::text) AS part) t",
        {"t": text},
    ).fetchone()
    assert row == (True, True, True, True)


def plan(connection: psycopg.Connection[Any], condition: str) -> str:
    rows = connection.execute(f"EXPLAIN SELECT id FROM configuration_items c WHERE {condition}".encode()).fetchall()
    return "\n".join(row[0] for row in rows)


def test_the_index_is_used(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(create_database(postgres, "letters_bulk"), autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes VALUES ('server', NULL, 'Server', '')")
        connection.execute(
            "INSERT INTO configuration_items (id, name, class_key) SELECT gen_random_uuid(),"
            " (ARRAY['сервер', 'web-server', '数据库'])[1 + n % 3] || '-' || md5(n::text), 'server'"
            " FROM generate_series(1, 20000) n"
        )
        connection.execute("ANALYZE configuration_items")
        for text in ("a1b2c3", "сервер-a1b2", "数据库-a1b2"):
            both = " AND ".join(
                f"{function}(c.name) LIKE '%' || like_literal({function}('{text}')) || '%'"
                for function in ("spelled", "folded")
            )
            assert "configuration_items_spelled" in plan(connection, both), text
        near = "near_keys(c.name) && near_keys('serve') AND length(c.name) <= 16"
        assert "configuration_items_near" in plan(connection, near)


def test_a_server_without_such_a_collation_knows_the_case_of_ascii(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE letters_ascii TEMPLATE template0 LOCALE 'C'")
    url = postgres.url("letters_ascii")
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM pg_collation WHERE collname NOT IN ('default', 'C', 'POSIX', 'ucs_basic')")
    migrate("main", url)
    assert not has_case_folding("main", url)
    assert has_case_folding("main", postgres.url("stackflow"))
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT folded('ABCÄ'), spelled('ABCÄ'), worded('ABC中')").fetchone()
    assert row == ("abcÄ", "abcA", "abc 中 ")
