"""Members of JSON by their bounds: as a reader has them, and one that is no JSON costs no other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasources.json_members import TooManyMembers, split_array, split_object

# Texts with all that looks like the bounds of something else.
TEXTS = st.text(st.sampled_from('[]{}",:\\ aß\n'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=20,
)


@given(members=st.lists(VALUES, max_size=6), spaces=st.sampled_from([None, 1]), before=st.text(" \t\r\n", max_size=3))
def test_an_array_falls_into_its_members(members: list[Any], spaces: int | None, before: str) -> None:
    text = before + json.dumps(members, ensure_ascii=False, indent=spaces) + before
    assert [json.loads(each) for each in split_array(text.encode(), 6)] == members


@given(members=st.dictionaries(TEXTS, VALUES, max_size=6), spaces=st.sampled_from([None, 1]))
def test_an_object_falls_into_its_members(members: dict[str, Any], spaces: int | None) -> None:
    text = json.dumps(members, ensure_ascii=False, indent=spaces)
    found = split_object(text.encode(), 6)
    assert {name: json.loads(each) for name, each in found.items()} == members


@given(st.binary(max_size=40) | st.text('[]{}"\\,:1 ', max_size=40).map(str.encode))
def test_any_bytes_are_members_or_refused(data: bytes) -> None:
    for split in (split_array, split_object):
        try:
            members = split(b"[" + data + b"]", 100)
        except ValueError:
            continue
        assert sum(map(len, members)) <= len(data)


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"[" * 50_000 + b"]" * 50_000,
        rb'"\ud800"',
        b'"\xff"',
        b"nonsense",
        b"1 2",
        b'{"a" 1}',
        b"{]",
        b"NaN",
        b"1" * 5_000,
    ],
)
def test_one_that_is_no_json_costs_no_other(odd: bytes) -> None:
    assert split_array(b'[{"a": [1, 2]}, ' + odd + b', "b"]', 3) == [b'{"a": [1, 2]}', odd, b'"b"']
    assert split_object(b'{"x": 1, "y": ' + odd + b', "z": [1,2]}', 3) == {"x": b"1", "y": odd, "z": b"[1,2]"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is no array"),
        (b"{}", "it is no array"),
        (b"[", "the array has no end"),
        (b"[[" * 100_000, "the array has no end"),
        (b'["a]', "the array has no end"),
        (b"[1}", "something follows the array"),
        (b"[1]]", "something follows the array"),
        (b"[1] 2", "something follows the array"),
    ],
)
def test_what_is_no_array_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        split_array(data, 10)


@pytest.mark.parametrize("data", [b"{1: 2}", b'{"a"}', b"{a: 1}", rb'{"\ud800": 1}', b'{"a": 1,}'])
def test_what_has_no_name_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="name"):
        split_object(data, 10)


def test_more_members_than_allowed_are_not_looked_at() -> None:
    assert split_array(b"[1,2,3]", 3) == [b"1", b"2", b"3"]
    for data in (b"[1,2,3,4]", b"[1,2,3,4,[[[", b"[" + b"1," * 3_000_000 + b"1]"):
        with pytest.raises(TooManyMembers, match=r"^the array has more than 3 members$"):
            split_array(data, 3)
    with pytest.raises(TooManyMembers, match=r"^the object has more than 1 members$"):
        split_object(b'{"a":1,"a":2}', 1)
