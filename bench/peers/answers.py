"""Whether all contenders give the same answers, in one canonical form."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bench.peers.processes import Server, ask
from bench.peers.queries import Query

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
# Positions in a list, whose form is each server's own.
_CURSORS = ("cursor", "endCursor")


class AnswersDiffer(Exception):
    """Two contenders answer a query differently. The message names both, the query and the first place."""


def canonical(value: Any) -> Any:
    """Return JSON without cursors, with times in UTC and milliseconds: JavaScript's dates have no microseconds."""
    if isinstance(value, dict):
        return {key: canonical(each) for key, each in sorted(value.items()) if key not in _CURSORS}
    if isinstance(value, list):
        return [canonical(each) for each in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat(timespec="milliseconds")
    return value


def difference(one: Any, other: Any, place: str = "data") -> str | None:
    """Return the first place where two canonical values differ, with both values; None if they are equal."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        pairs = [(f"{place}.{key}", one[key], other[key]) for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(f"{place}[{number}]", each, other[number]) for number, each in enumerate(one)]
    else:
        return None if one == other else f"{place}: {json.dumps(one)[:200]} and {json.dumps(other)[:200]}"
    return next((found for name, a, b in pairs if (found := difference(a, b, name))), None)


def answer(server: Server, query: Query) -> Any:
    """Return the canonical data of an answer. AnswersDiffer if it has errors or no rows."""
    response = ask(server.port, server.contender.body(query))
    content = response.json()
    if response.status_code != 200 or "errors" in content:
        raise AnswersDiffer(f"{server.contender.title} fails {query.key}: {response.text[:500]}")
    data = canonical(server.contender.normalize(query.key, content["data"]))
    if all(not each for each in data.values()):
        raise AnswersDiffer(f"{server.contender.title} answers {query.key} without rows")
    return data


def require_equal(servers: list[Server], queries: list[Query]) -> Mapping[str, int]:
    """Return the bytes of each query's canonical answer. AnswersDiffer if two contenders answer differently."""
    sizes = {}
    for query in queries:
        able = [server for server in servers if query.key in server.contender.queries]
        answers = [answer(server, query) for server in able]
        for server, other in zip(able[1:], answers[1:], strict=True):
            found = difference(answers[0], other)
            if found is not None:
                names = f"{able[0].contender.title} and {server.contender.title}"
                raise AnswersDiffer(f"{names} answer {query.key} differently at {found}")
        if answers:
            sizes[query.key] = len(json.dumps(answers[0], separators=(",", ":")))
    return sizes
