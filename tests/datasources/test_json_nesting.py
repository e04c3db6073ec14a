"""JSON made shallow: as a reader has it that cuts while it recurses, and what is shallow stays as it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import datasources.json_nesting
from datasources.json_nesting import MAX_LEVELS, cut_json

# Texts with all that looks like the bounds of something else.
TEXTS = st.text(st.sampled_from('[]{}",:\\ aß\n'), max_size=6)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=30,
)


def cut(document: Any, levels: int) -> Any:
    """Plainly, by recursion."""
    if isinstance(document, list):
        return [cut(each, levels - 1) for each in document] if levels else []
    if isinstance(document, dict):
        return {key: cut(each, levels - 1) for key, each in document.items()} if levels else []
    return document


@given(document=DOCUMENTS, levels=st.integers(0, 5), spaces=st.sampled_from([None, 1]))
def test_what_is_deeper_is_an_empty_list(document: Any, levels: int, spaces: int | None) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=spaces)
    assert json.loads(cut_json(text.encode(), levels)) == cut(document, levels)


@given(document=DOCUMENTS)
def test_what_is_shallow_stays_as_it_is(document: Any) -> None:
    text = json.dumps([document]).encode()
    assert cut_json(text) == text


@given(st.binary(max_size=40) | st.text('[]{}"\\,', max_size=40).map(str.encode))
def test_any_bytes_end(data: bytes) -> None:
    assert len(cut_json(data, 2)) <= len(data) + data.count(b"[") + data.count(b"{")


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"[" * 500_000, b"[" * MAX_LEVELS),
        (b"[" * 500_000 + b"]" * 500_000, b"[" * MAX_LEVELS + b"[]" + b"]" * MAX_LEVELS),
        (b'[{"a": ' * 5_000 + b"1" + b"}]" * 5_000, b'[{"a": ' * 50 + b"[]" + b"}]" * 50),
        # A text that is never closed hides what follows, and is looked at once.
        (b'["' + b'\\"[' * 100_000, b'["' + b'\\"[' * 100_000),
        (b'"\\', b'"\\'),
    ],
)
def test_neither_depth_nor_a_text_without_end_costs_more(data: bytes, left: bytes) -> None:
    assert cut_json(data) == left


def test_what_has_too_many_pieces_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = b"[" * 200 + b'"",' * 10 + b"1" + b"]" * 200
    assert cut_json(deep) != deep
    monkeypatch.setattr(datasources.json_nesting, "MAX_TOKENS", 10)
    assert cut_json(deep) == deep
