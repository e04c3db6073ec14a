"""What was reviewed and must not change unseen: `make deploy-check ARGS=--write-snapshots` writes it anew."""

import json
import re
from pathlib import Path
from typing import Any

SNAPSHOTS = Path(__file__).parent / "snapshots"

# Set by the command line.
WRITING = False

ASSET = re.compile(r"\b[0-9a-f]{64}\b")
# A version and a deployment carry a hash of what they hold behind their own eight digits.
HELD = re.compile(r"((?:CurrentVersion|Deployment)[0-9A-F]{8})[0-9a-f]{32}")


def normal(template: dict[str, Any]) -> str:
    """A template without what each build changes: hashes of assets, of versions and of deployments."""
    text = json.dumps(template, indent=1, sort_keys=True)
    return HELD.sub(r"\1HASH", ASSET.sub("HASH", text)) + "\n"


def agree(name: str, now: str) -> None:
    """Fails if it is not what was reviewed."""
    path = SNAPSHOTS / name
    if WRITING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(now)
    assert path.exists(), f"{name} was never reviewed; make deploy-check ARGS=--write-snapshots"
    assert path.read_text() == now, f"{name} changed; review it, then make deploy-check ARGS=--write-snapshots"
