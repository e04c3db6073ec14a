"""Embeddings of texts by a static model on this machine: the mean of one vector a token.

The model is WordLlama's `l2_supercat_256` (MIT; https://github.com/dleemiller/WordLlama), whose wheel holds the
tokenizer and 32,000 vectors of 256 half-precision numbers. The wheel is read as data: its package needs numpy, which
is twice as large as all of this, and a mean of some hundred vectors does not.
"""

import json
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
# Vectors of frequent tokens that stay decoded, 8 kB each.
_DECODED_TOKENS = 4_096
_ROW = struct.Struct(f"<{DIMENSIONS}e")


class StaticEmbedder:
    """Embeds texts. The vectors stay in the file, which is mapped; 16 MB of address space, shared by processes."""

    model = MODEL

    def __init__(self, folder: Path) -> None:
        # Large, and used by documents alone.
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(folder / _TOKENIZER))
        with (folder / _VECTORS).open("rb") as file:
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # https://github.com/huggingface/safetensors: the length of a JSON header, the header, the numbers.
        (length,) = struct.unpack_from("<Q", self._file)
        header = json.loads(self._file[8 : 8 + length])["embedding.weight"]
        if header["dtype"] != "F16" or header["shape"][1] != DIMENSIONS:
            raise ValueError(f"{_VECTORS} holds {header['dtype']} of the shape {header['shape']}, which is not {MODEL}")
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
    """Return the name of the model that `open_embedder` opens, without opening it; None if it is not installed."""
    return None if _find_folder() is None else MODEL


@cache
def open_embedder() -> StaticEmbedder | None:
    """Return the embedder of this process; None if its model is not installed, as in the Lambda functions.

    The first call takes 0.2 s of processor time.
    """
    folder = _find_folder()
    return None if folder is None else StaticEmbedder(folder)


def _find_folder() -> Path | None:
    spec = None if find_spec("tokenizers") is None else find_spec("wordllama")
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
