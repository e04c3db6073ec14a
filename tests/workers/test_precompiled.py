"""Code that was compiled beforehand: taken for the very text that it was compiled from, and for no other."""

import builtins
import dataclasses
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk import precompile
from workers import precompiled


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    vars(dataclasses).pop("exec", None)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were compiled since."""
    texts: list[str] = []
    run = builtins.exec

    def noted(code: Any, *names: Any) -> None:
        if isinstance(code, str):
            texts.append(code)
        run(code, *names)

    monkeypatch.setattr(builtins, "exec", noted)
    return texts


def made(*fields: str) -> Any:
    return dataclasses.make_dataclass("Made", fields, frozen=True)


def test_texts_of_the_file_are_not_compiled_again(tmp_path: Path, compiled: list[str]) -> None:
    plain = made("one", "two")
    known = [text for text in compiled if "__create_fn__" in text]
    assert known
    file = tmp_path / "compiled"
    file.write_bytes(precompile.compiled(sorted(known)))
    assert precompiled.take(file) == len(set(known))
    compiled.clear()
    taken, other = made("one", "two"), made("one", "three")
    assert [text for text in compiled if text in known] == []
    assert [text for text in compiled if "three" in text]
    for each in (plain, taken):
        assert repr(each(1, 2)) == "Made(one=1, two=2)"
        assert each(1, 2) == each(1, 2) != each(2, 2)
        with pytest.raises(dataclasses.FrozenInstanceError):
            each(1, 2).one = 3
    assert other(1, 2).three == 2


@pytest.mark.parametrize("content", [None, b"", b"\0\0\r\n" + precompile.compiled(["x = 1"])[4:]])
def test_without_a_file_of_this_python_nothing_happens(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "compiled"
    if content is not None:
        file.write_bytes(content)
    assert precompiled.take(file) == 0
    assert "exec" not in vars(dataclasses)


def test_a_checkout_has_no_file() -> None:
    assert not precompiled.FILE.exists()
    assert precompiled.FILE.name == precompile.FILE


@given(st.sets(st.text(alphabet="ab", max_size=5), min_size=1))
def test_each_text_is_found_by_its_digest_and_no_order_matters(names: set[str]) -> None:
    texts = [f"x = {name!r}" for name in names]
    content = precompile.compiled(sorted(texts))
    assert content.startswith(importlib.util.MAGIC_NUMBER)
    assert len({precompiled.digest(text) for text in texts}) == len(texts)
    assert all(precompiled.digest(text) in content for text in texts)
