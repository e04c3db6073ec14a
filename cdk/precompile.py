"""Compiles the methods of all dataclasses of an unfolded bundle: a script for the CPython 3.13 that compiles the rest.

    python3.13 -X no_debug_ranges cdk/precompile.py record TREE > TEXTS
    python3.13 -X no_debug_ranges cdk/precompile.py compile < TEXTS > TREE/dataclasses.compiled

`record` imports every entry of a tree that runs on this machine, and what they import late, and writes the texts that
`dataclasses` had to compile, as JSON in order. `compile` is a process of its own, so that its bytes depend on the texts
alone: `marshal` looks at how often each object is referred to. workers/precompiled.py reads the result.
"""

import builtins
import dataclasses
import hashlib
import importlib
import importlib.util
import json
import marshal
import sys
from typing import Any

ENTRIES = (
    "workers.api", "workers.events", "workers.migrations", "workers.projection", "workers.requirements",
    "workers.workflows",
)  # fmt: skip
FILE = "dataclasses.compiled"
DIGEST_BYTES = 16


def record(tree: str) -> list[str]:
    """The texts, each once, sorted. An entry that cannot be imported raises what is wrong with it."""
    texts: set[str] = set()

    def run(text: Any, *names: Any) -> None:
        if isinstance(text, str):
            texts.add(text)
        builtins.exec(text, *names)  # noqa: S102

    sys.path.insert(0, tree)
    vars(dataclasses)["exec"] = run
    for entry in ENTRIES:
        importlib.import_module(entry)
    importlib.import_module("workers.late").imported()
    return sorted(texts)


def compiled(texts: list[str]) -> bytes:
    """The magic number of this interpreter, then the marshalled table from digests of texts to their code."""
    table = {
        hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest(): compile(
            text, "<string>", "exec", dont_inherit=True
        )
        for text in texts
    }
    return importlib.util.MAGIC_NUMBER + marshal.dumps(table)


if __name__ == "__main__":
    if sys.argv[1] == "record":
        json.dump(record(sys.argv[2]), sys.stdout)
    else:
        sys.stdout.buffer.write(compiled(json.load(sys.stdin)))
