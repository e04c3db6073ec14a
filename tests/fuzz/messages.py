"""Generated CloudEvents of every type, notifications of Alertmanager, and files to import."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from resolvers.events.registry import EVENT_TYPES
from tests.fixtures.alerts import alert, notification
from tests.fixtures.events import NOON
from tests.fixtures.imports import small
from tests.fuzz.landscape import Landscape
from tests.fuzz.values import TEXTS, document, encode, hostile

SOURCES = ("/cmdb", "/desk", "/planner", "/scanner")


def event(chance: random.Random, landscape: Landscape, number: int, spice: float) -> dict[str, Any]:
    """A CloudEvent of any type."""
    kind = chance.choice(list(EVENT_TYPES))
    whole: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"fuzz-{number}",
        "source": chance.choice(SOURCES),
        "type": kind,
        "time": (NOON + timedelta(seconds=number)).isoformat(),
        "data": _value(inspect.type_info(EVENT_TYPES[kind]), "", chance, landscape, spice),
    }
    if chance.random() < spice:
        whole[chance.choice(list(whole))] = hostile(chance)
    return whole


def _value(kind: inspect.Type, name: str, chance: random.Random, landscape: Landscape, spice: float) -> Any:
    if chance.random() < spice:
        return hostile(chance)
    match kind:
        case inspect.StructType():
            if kind.cls.__name__ == "Key" and (known := landscape.key("ConfigurationItem.keys", chance)):
                return {"source": known["source"], "key": known["key"]}
            return {
                each.encode_name: _value(each.type, each.encode_name, chance, landscape, spice)
                for each in kind.fields
                if each.required or chance.random() < 0.5
            }
        case inspect.UnionType():
            kinds = [each for each in kind.types if not isinstance(each, inspect.UnionType)]
            return _value(chance.choice(kinds), name, chance, landscape, spice)
        case inspect.VarTupleType() | inspect.ListType():
            return [_value(kind.item_type, name, chance, landscape, spice) for _ in range(chance.randint(0, 3))]
        case inspect.DictType():
            return document(chance) if name == "attributes" else {"job": chance.choice(TEXTS), "zone": "eu"}
        case inspect.EnumType():
            return chance.choice([each.value for each in kind.cls])
        case inspect.LiteralType():
            return chance.choice(list(kind.values))
        case inspect.DateTimeType():
            return (NOON + timedelta(minutes=chance.randint(0, 999))).isoformat()
        case inspect.IntType():
            return chance.randint(1, 5)
        case inspect.NoneType():
            return None
    return _text(name, chance, landscape)


def _text(name: str, chance: random.Random, landscape: Landscape) -> str:
    kinds = {"team": "Team", "class": "ConfigurationItemClass", "type": "RelationshipType", "owner": "Team"}
    if name in kinds and (known := landscape.key(kinds[name], chance)):
        return str(known)
    if name == "key":
        return f"key-{chance.randint(1, 40)}"
    return "desk" if name == "source" else chance.choice(("Shop is down", "done", *TEXTS))


def alerts(chance: random.Random, number: int, spice: float) -> dict[str, Any]:
    """A notification of one to four alerts."""
    several = []
    for _ in range(chance.randint(1, 4)):
        one = alert(f"f{chance.randint(1, 60)}", number, chance.choice((None, number + 1)), summary="Fuzz")
        if chance.random() < spice * 3:
            one["labels"][chance.choice(("instance", "service.name", *TEXTS))] = hostile(chance)
        if chance.random() < spice * 3:
            one[chance.choice(list(one))] = hostile(chance)
        several.append(one)
    whole = notification(*several, group=f"g{chance.randint(1, 20)}")
    if chance.random() < spice:
        whole[chance.choice(list(whole))] = hostile(chance)
    return whole


def write_import(chance: random.Random, folder: Path, rows: int) -> Path:
    """A mapping with files of so many items and relationships; the path of the mapping."""
    items = [_row(chance, spice=0.15) for _ in range(rows)]
    links = [{"from": f"i{chance.randint(0, 60)}", "to": f"i{chance.randint(0, 60)}"} for _ in range(rows)]
    lines = b"\n".join(encode(each) for each in items) + b"\n"
    (folder / "items.jsonl").write_bytes(lines)
    (folder / "links.json").write_bytes(encode(links))
    mapping = small()
    mapping["files"] |= {"items": {"path": "items.jsonl"}, "links": {"path": "links.json"}}
    mapping["sections"][2]["attributes"] = {"rack": "rack", "more": "more"}
    path = folder / "mapping.json.yaml"
    # JSON is YAML, too.
    path.write_bytes(msgspec.json.encode(mapping))
    return path


def _row(chance: random.Random, spice: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key": f"i{chance.randint(0, 60)}",
        "name": f"Item {chance.randint(0, 60)}",
        "rack": "r1",
        "more": document(chance),
    }
    for name in row:
        if chance.random() < spice:
            row[name] = hostile(chance)
    return row
