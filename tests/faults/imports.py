"""A landscape of files, imported by the real command line in a process that a test may end."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import yaml

ROOT = Path(__file__).resolve().parents[2]
# What an import leaves, without what differs between two runs: ids and times.
STATE = (
    "SELECT k.source, k.key, c.name, c.class_key, c.status, c.attributes FROM configuration_items c"
    " JOIN configuration_item_keys k ON k.configuration_item_id = c.id ORDER BY 1, 2",
    "SELECT f.key, t.key, r.type_key, r.source, r.attributes FROM relationships r"
    " JOIN configuration_item_keys f ON f.configuration_item_id = r.from_id"
    " JOIN configuration_item_keys t ON t.configuration_item_id = r.to_id ORDER BY 1, 2",
    "SELECT entity, fields FROM waiting_rows ORDER BY identity",
    "SELECT count(*) FROM configuration_item_history UNION ALL SELECT count(*) FROM relationship_history",
)


def write_files(folder: Path, items: int) -> None:
    """Items in a tree, each tenth of which hangs on an item that no file holds."""
    rows = [f"h{n},Host {n},{f'h{n // 2}' if n % 10 else f'ghost{n}'}" for n in range(1, items)]
    (folder / "servers.csv").write_text("\n".join(["host,name,on", *rows, ""]))
    mapping = {
        "source": "cmdb",
        "files": {
            "servers": {"path": "servers.csv"},
            "classes": {"inline": [{"key": "server"}]},
            "types": {"inline": [{"key": "runs_on", "impact": "REVERSE"}]},
        },
        "sections": [
            {"entity": "classes", "file": "classes", "fields": {"key": "key"}},
            {"entity": "relationship_types", "file": "types", "fields": {"key": "key", "impact": "impact"}},
            {
                "entity": "configuration_items",
                "file": "servers",
                "fields": {"key": "host", "name": "name", "class": {"constant": "server"}},
                "attributes": {"on": "on"},
            },
            {
                "entity": "relationships",
                "file": "servers",
                "fields": {"from": "host", "to": "on", "type": {"constant": "runs_on"}},
            },
        ],
    }
    (folder / "mapping.yaml").write_text(yaml.safe_dump(mapping))


async def start(folder: Path, url: str, other: str, *options: str) -> asyncio.subprocess.Process:
    """The command line, begun."""
    environment: Mapping[str, str] = os.environ | {
        "DATABASE_URL": url,
        "REQUIREMENTS_URL": other,
        "REDIS_URL": "off",
        "STACKFLOW_STATE": str(folder / "state"),
        "PYTHONPATH": str(ROOT),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "commands", "import", "mapping.yaml", *options,
        cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def state(url: str) -> list[list[tuple[Any, ...]]]:
    """What the import left."""
    with psycopg.connect(url) as connection:
        return [connection.execute(query.encode()).fetchall() for query in STATE]


def sessions(url: str) -> int:
    """Sessions of imports that the server still has."""
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'stackflow import%'"
        row = connection.execute(query).fetchone()
    return row[0] if row else 0
