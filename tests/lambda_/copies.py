"""Run by test_snapshots.py on the functions' own Python: one started function, twice copied, and what each copy draws.

    python copies.py with|without EVENT

The hooks run in each copy, or do not. A copy is made by the system's `fork` itself: Python's own tells generators that
they were copied, which no snapshot does. Prints a list of what each copy drew, one JSON.
"""

import ctypes
import json
import os
import random
import sys
from types import SimpleNamespace
from typing import Any

import snapshot_restore_py  # type: ignore[import-not-found]
from uuid_utils import uuid7

import app
from datasources.cache.redis import keys as generations
from datasources.request import RequestContext

# Hexadecimal digits at the end of a uuid7 that do not come from the clock, nor from the counter in front of them.
DRAWN = 8


def drawn(event: Any) -> dict[str, str]:
    """What a copy draws by each generator, and an answer's status with the end of the id that it was given."""
    answer = app.handler(event, SimpleNamespace(aws_request_id="none"))
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return {
        "answer": str(answer["statusCode"]),
        "request": headers["x-stackflow-request-id"][-DRAWN:],
        "uuid7": str(uuid7())[-DRAWN:],
        "call": RequestContext().request_id[-DRAWN:],
        "random": str(random.random()),
        "generation": generations.next_generation(),
    }


def copied(run_hooks: bool, event: Any) -> Any:
    """What one copy draws; it has ended when this returns."""
    reading, writing = os.pipe()
    if ctypes.PyDLL(None).fork() == 0:
        for hook, positional, named in snapshot_restore_py.get_after_restore() if run_hooks else ():
            hook(*positional, **named)
        os.write(writing, json.dumps(drawn(event)).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        told = pipe.read()
    os.wait()
    return json.loads(told)


if __name__ == "__main__":
    # A generator that nobody has asked yet is seeded by who asks first, in whatever copy that is.
    uuid7()
    print(json.dumps([copied(sys.argv[1] == "with", json.loads(sys.argv[2])) for _ in range(2)]))
