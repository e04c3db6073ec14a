"""The SBOM of a bundle, as CycloneDX JSON: each distribution in it, with version, purl and licence."""

import json
import uuid
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

# https://cyclonedx.org/docs/1.6/json/
VERSION = "1.6"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/stackflow-lambda")


def document(bundle: Path, sha256: str) -> dict[str, Any]:
    """Return the SBOM of a zip. Deterministic: it contains no time, and its serial number is derived from the hash."""
    with zipfile.ZipFile(bundle) as archive:
        headers = [
            HeaderParser().parsestr(archive.read(name).decode())
            for name in archive.namelist()
            if name.endswith(".dist-info/METADATA")
        ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, sha256)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": bundle.name,
                "name": bundle.name,
                "hashes": [{"alg": "SHA-256", "content": sha256}],
            }
        },
        "components": sorted(map(_component, headers), key=lambda each: str(each["name"])),
    }


def write(bundle: Path, sha256: str) -> Path:
    """Write the SBOM to the folder of the zip."""
    path = bundle.with_suffix(".cdx.json")
    path.write_text(json.dumps(document(bundle, sha256), indent=1) + "\n")
    return path


def _component(metadata: Message) -> dict[str, Any]:
    name, version = metadata["Name"].lower().replace("_", "-").replace(".", "-"), metadata["Version"]
    # https://github.com/package-url/purl-spec/blob/main/types-doc/pypi-definition.md
    purl = f"pkg:pypi/{name}@{version}"
    component: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if expression := metadata["License-Expression"]:
        component["licenses"] = [{"expression": expression}]
    elif names := _classified(metadata) or _named(metadata):
        component["licenses"] = [{"license": {"name": each}} for each in names]
    return component


def _classified(metadata: Message) -> list[str]:
    prefix = "License :: "
    classifiers = [str(each) for each in metadata.get_all("Classifier", [])]
    return [each.rpartition(" :: ")[2] for each in classifiers if each.startswith(prefix)]


def _named(metadata: Message) -> list[str]:
    """Return the name in the License field. Some packages put the whole licence text there; a name is one line."""
    text = str(metadata["License"] or "").strip()
    return [text] if text and "\n" not in text and text != "UNKNOWN" else []
