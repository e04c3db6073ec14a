"""The methods of dataclasses, compiled while the bundle was built: taken up before any other import of an entry.

`dataclasses` writes the methods of each class as text and compiles it, which is a quarter of what importing the service
costs. The bundle holds that text's code in `FILE`; each text that it has not is compiled as ever.
"""

import builtins
import dataclasses
import hashlib
import importlib.util
import marshal
from collections.abc import Mapping
from pathlib import Path
from types import CodeType
from typing import Any

# Beside `app.py` in the bundle; nowhere else. Written by cdk/precompile.py: the magic number of the interpreter that
# compiled it, then a marshalled table from the digests of texts to their code.
FILE = Path(__file__).parents[1] / "dataclasses.compiled"
DIGEST_BYTES = 16


def take(path: Path = FILE) -> int:
    """Let `dataclasses` take what the file holds; how many codes that are. 0 without the file, or from another Python.

    A code is found by the digest of the very text that it was compiled from, so it cannot be another class's.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return 0
    magic = importlib.util.MAGIC_NUMBER
    if not content.startswith(magic):
        return 0
    codes: Mapping[bytes, CodeType] = marshal.loads(content[len(magic) :])  # noqa: S302 - of our own bundle

    def run(text: Any, *names: Any) -> None:
        code = codes.get(digest(text)) if isinstance(text, str) else None
        builtins.exec(text if code is None else code, *names)  # noqa: S102

    # A name that is looked up among the module's own before the builtins: no part of `dataclasses` is replaced.
    vars(dataclasses)["exec"] = run
    return len(codes)


def digest(text: str) -> bytes:
    """By which a text is found in the file. cdk/precompile.py says the same."""
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()
