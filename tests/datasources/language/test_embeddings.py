"""Embeddings are the mean of the vectors of a text's tokens, of the length 1."""

import struct
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from datasources.language import embeddings
from datasources.language.embeddings import (
    DIMENSIONS,
    MAX_CHARACTERS,
    ModelDamaged,
    StaticEmbedder,
    installed_model,
    open_embedder,
)
from tests.fixtures.profiles import examples


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    found = open_embedder()
    assert found is not None
    return found


def cosine(one: Sequence[float] | None, other: Sequence[float] | None) -> float:
    assert one is not None
    assert other is not None
    return sum(x * y for x, y in zip(one, other, strict=True))


def folder() -> Path:
    spec = find_spec("wordllama")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def test_an_embedding_is_the_mean_of_the_vectors_of_its_tokens(embedder: StaticEmbedder) -> None:
    text = "Promote the replica."
    tokens = Tokenizer.from_file(str(folder() / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    data = (folder() / "weights" / "l2_supercat_256.safetensors").read_bytes()
    numbers = data[len(data) - 32_000 * 256 * 2 :]
    mean = [0.0] * 256
    ids = tokens.encode(text, add_special_tokens=False).ids
    for token in ids:
        for place in range(256):
            (number,) = struct.unpack("<e", numbers[(token * 256 + place) * 2 : (token * 256 + place) * 2 + 2])
            mean[place] += number / len(ids)
    length = sum(number**2 for number in mean) ** 0.5
    assert embedder.embed(text) == pytest.approx([number / length for number in mean], rel=1e-9)


@given(st.text(max_size=200))
@settings(max_examples=examples(100))
def test_every_embedding_has_the_length_1(text: str) -> None:
    embedder = open_embedder()
    assert embedder is not None
    embedding = embedder.embed(text)
    if embedding is not None:
        assert len(embedding) == DIMENSIONS
        assert cosine(embedding, embedding) == pytest.approx(1)
    assert embedding == embedder.embed(text)


def test_a_text_without_tokens_has_none(embedder: StaticEmbedder) -> None:
    assert embedder.embed("") is None


def test_only_the_beginning_of_a_long_text_counts(embedder: StaticEmbedder) -> None:
    text = "disk " * (MAX_CHARACTERS // 5)
    assert embedder.embed(text + "certificate " * 1_000) == embedder.embed(text)


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("the disk has no space left", "the volume is full", "the certificate expires"),
        ("who must approve it", "permission is needed to release", "restart the database"),
        ("pages load slowly", "latency of requests is high", "the password was stolen"),
    ],
)
def test_texts_of_similar_meaning_are_nearer(embedder: StaticEmbedder, question: str, near: str, far: str) -> None:
    asked = embedder.embed(question)
    assert cosine(asked, embedder.embed(near)) > cosine(asked, embedder.embed(far))


TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
VECTORS = "weights/l2_supercat_256.safetensors"


@pytest.fixture
def copied_folder(tmp_path: Path) -> Path:
    for name in (TOKENIZER, VECTORS):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes((folder() / name).read_bytes())
    return tmp_path


def replace_bytes(file: Path, start: int, content: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(content)


def test_a_copy_of_the_files_embeds_the_same(copied_folder: Path, embedder: StaticEmbedder) -> None:
    assert StaticEmbedder(copied_folder).embed("disk is full") == embedder.embed("disk is full")


@pytest.mark.parametrize("name", [TOKENIZER, VECTORS])
def test_a_changed_file_is_refused(copied_folder: Path, name: str) -> None:
    # 0xffff is not a number in half precision: a vector with it would be stored and compare with none.
    replace_bytes(copied_folder / name, 1_000_000, b"\xff\xff")
    with pytest.raises(ModelDamaged, match=f"{name} is not the file of wordllama-l2-supercat-256; install wordllama"):
        StaticEmbedder(copied_folder)


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, bytes(64)])
def test_a_short_file_is_refused(copied_folder: Path, content: bytes) -> None:
    (copied_folder / VECTORS).write_bytes(content)
    with pytest.raises(ModelDamaged, match="is not the file of"):
        StaticEmbedder(copied_folder)


def test_a_damaged_model_counts_as_not_installed(
    copied_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (copied_folder / VECTORS).unlink()
    monkeypatch.setattr(embeddings, "_find_folder", lambda: copied_folder)
    open_embedder.cache_clear()
    try:
        assert installed_model() == "wordllama-l2-supercat-256"
        assert open_embedder() is None
        assert installed_model() is None
        assert [record.getMessage() for record in caplog.records] == [
            f"texts are compared by words alone: {VECTORS} cannot be read: No such file or directory; "
            "install wordllama again"
        ]
    finally:
        open_embedder.cache_clear()
