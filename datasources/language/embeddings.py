"""Embeddings of texts by a static model on this machine: the mean of one vector a token.

The model is WordLlama's `l2_supercat_256` (MIT; https://github.com/dleemiller/WordLlama), whose wheel holds the
tokenizer and 32,000 vectors of 256 half-precision numbers. The wheel is read as data: its package needs numpy, which
is twice as large as all of this, and a mean of some hundred vectors does not.
"""

import hashlib
import json
import logging
import mmap
import struct
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from math import sqrt
from pathlib import Path
from typing import Any

# Stored with each embedding. Changes with the vectors, the tokenizer and the way of pooling.
MODEL = "wordllama-l2-supercat-256"
DIMENSIONS = 256
# Characters of a text that count: chunks are shorter, and a question of more is refused before.
MAX_CHARACTERS = 8_000
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_VECTORS = "weights/l2_supercat_256.safetensors"
# SHA-256 of both files in the wheel: other numbers under the same name would mix two vector spaces.
_DIGESTS = {
    _TOKENIZER: "bf467c9e0f536bda271283c6ef85eb1a943e3196b621c8a912d64953b205df83",
    _VECTORS: "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
}
# Vectors of frequent tokens that stay decoded, 8 kB each.
_DECODED_TOKENS = 4_096
_ROW = struct.Struct(f"<{DIMENSIONS}e")


log = logging.getLogger("stackflow.embeddings")


class ModelDamaged(Exception):
    """A file of the model is missing, cannot be read, or is not the one of the wheel."""


class StaticEmbedder:
    """Embeds texts by the files of a folder; ModelDamaged if they are not those of the wheel.

    The vectors stay in the file, which is mapped; 16 MB of address space, shared by processes.
    """

    model = MODEL

    def __init__(self, folder: Path) -> None:
        # Large, and used by documents alone.
        from tokenizers import Tokenizer

        _check_files(folder)
        self._tokenizer: Any = Tokenizer.from_file(str(folder / _TOKENIZER))
        with (folder / _VECTORS).open("rb") as file:
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # https://github.com/huggingface/safetensors: the length of a JSON header, the header, the numbers.
        (length,) = struct.unpack_from("<Q", self._file)
        header = json.loads(self._file[8 : 8 + length])["embedding.weight"]
        self._tokens: int = header["shape"][0]
        self._begin: int = 8 + length + header["data_offsets"][0]
        self._row = lru_cache(_DECODED_TOKENS)(self._decode_row)

    def embed(self, text: str) -> Sequence[float] | None:
        """Return the embedding of the first MAX_CHARACTERS characters, of the length 1; None for a text without tokens.

        Takes about 0.3 ms for a question and 5 ms for a chunk of 1,400 characters.
        """
        ids = self._tokenizer.encode(text[:MAX_CHARACTERS], add_special_tokens=False).ids
        sums = [sum(column) for column in zip(*map(self._row, ids), strict=True)]
        length = sqrt(sum(number * number for number in sums))
        return [number / length for number in sums] if length else None

    def _decode_row(self, token: int) -> tuple[float, ...]:
        return _ROW.unpack_from(self._file, self._begin + min(token, self._tokens - 1) * _ROW.size)


def installed_model() -> str | None:
    """Return the name of the model that `open_embedder` opens, without opening it; None if there is none.

    A damaged model is found when it is opened, and counts as not installed from then on.
    """
    if open_embedder.cache_info().currsize:
        return None if open_embedder() is None else MODEL
    return None if _find_folder() is None else MODEL


@cache
def open_embedder() -> StaticEmbedder | None:
    """Return the embedder of this process; None if its model is not installed, as in the Lambda functions, or damaged.

    The first call takes 0.3 s of processor time.
    """
    folder = _find_folder()
    try:
        return None if folder is None else StaticEmbedder(folder)
    except ModelDamaged as damage:
        log.error("texts are compared by words alone: %s", damage)
        return None


def _check_files(folder: Path) -> None:
    for name, digest in _DIGESTS.items():
        try:
            with (folder / name).open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelDamaged(f"{name} cannot be read: {error.strerror}; install wordllama again") from error
        if actual != digest:
            raise ModelDamaged(f"{name} is not the file of {MODEL}; install wordllama again")


def _find_folder() -> Path | None:
    spec = None if find_spec("tokenizers") is None else find_spec("wordllama")
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
