"""YAML 1.2: what is written stays as written, and what is hostile or wrong is a reject with its line."""

from typing import Any

import pytest

from datasources.files.errors import MappingError
from datasources.files.formats.yaml_documents import parse_yaml, read_yaml_rows


def read(text: str, path: str = "") -> tuple[list[Any], list[tuple[int, str]]]:
    refused: list[tuple[int, str]] = []
    rows = list(read_yaml_rows(text, path, "x.yaml", lambda line, reason, _: refused.append((line, reason))))
    return rows, refused


@pytest.mark.parametrize(
    "text",
    [
        "NO",
        "on",
        "yes",
        "y",
        "off",
        "0123",
        "1_000",
        "12:30:45",
        "12:34:56:11:22:33",
        "1.10",
        "1e3",
        "1234e56",
        "+5",
        "-0",
        "0x1F",
        ".inf",
        ".NaN",
        "2026-07-01",
        "=",
        "<<",
    ],
)
def test_text_that_other_versions_change(text: str) -> None:
    assert parse_yaml(f"a: {text}\n{text}: 1\n") == {"a": text, text: 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ("1.5", 1.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("|\n  two\n  lines", "two\nlines"),
    ],
)
def test_values_of_the_core_schema(text: str, value: Any) -> None:
    found = parse_yaml(f"a: {text}")["a"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("&r {self: *r}", "alias *r on line 1 is inside its own anchor"),
        ("{a: *none}", "alias *none on line 1 has no anchor before it"),
        ("{a: 1, b: 2, a: 3}", "key 'a' is on line 1 and again on line 1"),
        ("{a: !Ref x}", "tag !Ref on line 1 is not read; remove it"),
        ("{a: !!binary aGk=}", "tag tag:yaml.org,2002:binary on line 1 is not read; remove it"),
        ("{? [a, b] : 1}", "a key on line 1 is not text"),
        ("{a: " + "9" * 5_000 + "}", "an integer of 5,000 digits on line 1; quote it"),
        ("{a: " + "[" * 300 + "]" * 300 + "}", "nested more than 100 levels deep on line 1"),
        ("text", "not a mapping but 'text'"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_and_the_next_is_read(row: str, reason: str) -> None:
    assert read(f"- {row}\n- {{a: 1}}\n") == ([(2, {"a": 1})], [(1, reason)])


def test_aliases_that_multiply_are_bounded_before_they_are_written_out() -> None:
    layers = "".join(
        f"- {{v: &{new} [{', '.join(['*' + old] * 10)}]}}\n" for old, new in zip("abcdef", "bcdefg", strict=True)
    )
    rows, refused = read("- {v: &a [x]}\n" + layers + "- {v: 1}\n")
    assert [line for line, _ in rows] == [1, 2, 3, 4, 5, 8]
    bound = "aliases repeat more than 100,000 values or 16,777,216 characters up to line"
    assert refused == [(6, f"{bound} 6; write less"), (7, f"{bound} 7; write less")]
    long = "- {v: &a " + "x" * 1_000_000 + "}\n- {v: [" + ", ".join(["*a"] * 20) + "]}\n"
    assert [line for line, _ in read(long)[1]] == [2]


def test_a_merge_is_read_and_the_rows_own_keys_win() -> None:
    text = "base: &b {a: 1, c: 2}\nrows:\n  - <<: *b\n    a: 9\n"
    assert read(text, "rows")[0] == [(3, {"a": 9, "c": 2})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml: the file is empty; it needs a document"),
        ("# only a comment\n", "x.yaml: the file is empty; it needs a document"),
        ("- a: 1\n---\n- a: 2\n", "x.yaml: a second document begins on line 2; give it a file of its own"),
        ("- " + "[" * 2_000, "x.yaml: nested more than 1,000 levels deep on line 1"),
        ("- a: [1\n- b: 2\n", "x.yaml: not readable as YAML: did not find expected ',' or ']' on line 2"),
        (
            "- a: 1\n\t- b: 2\n",
            "x.yaml: not readable as YAML: found a tab character that violates indentation on line 2",
        ),
        ("a: 1", "x.yaml: the document is not a list; check rows"),
    ],
)
def test_documents_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(MappingError) as error:
        read(text)
    assert str(error.value) == message
