"""Mapping files: what is wrong is told with its key and a remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from datasources.files.entities import ENTITIES
from datasources.files.errors import MappingError
from datasources.files.mappings.mapping_files import load_mapping
from tests.fixtures.imports import MAPPINGS, small


def problem(folder: Path, mapping: Any) -> str:
    path = folder / "m.yaml"
    path.write_text(mapping if isinstance(mapping, str) else yaml.safe_dump(mapping))
    with pytest.raises(MappingError) as error:
        load_mapping(path)
    return str(error.value).removeprefix(f"{path}: ")


def changed(**section: Any) -> dict[str, Any]:
    mapping = small()
    mapping["sections"][2] |= section
    return mapping


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("a: [", "not readable as YAML"),
        ("[]", "Expected `object`, got `array`"),
        (small(colour="red"), "Object contains unknown field `colour`"),
        (small(zone="Mars/Olympus"), "zone: 'Mars/Olympus' is not a time zone; write one like Europe/Amsterdam"),
        (small(source=""), "source: is empty"),
        (changed(entity="servers"), "sections[2].entity: 'servers' is not an entity; did you mean users"),
        (changed(file="item"), "sections[2].file: 'item' is not among files; did you mean items?"),
        (changed(fields={"name": "name"}), "sections[2].fields: key is required for configuration_items"),
        (
            changed(fields={"key": "key", "nme": "name"}),
            "sections[2].fields.nme: configuration_items have no such field",
        ),
        (changed(fields={"key": {"colum": "key"}}), "Object contains unknown field `colum` - at `sections[2].fields"),
        (
            changed(fields={"key": {"column": "key", "constant": "x"}}),
            "sections[2].fields.key: give exactly one of column, constant, template, first_of",
        ),
        (changed(entity="teams"), "sections[2].attributes: teams keep no attributes; use fields"),
    ],
)
def test_a_wrong_mapping(tmp_path: Path, mapping: Any, message: str) -> None:
    assert message in problem(tmp_path, mapping)


def test_a_missing_mapping(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="there is no such mapping file"):
        load_mapping(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", ["bpic14.yaml", "gitlab.yaml"])
def test_the_mappings_of_the_project_load(name: str) -> None:
    mapping = load_mapping(MAPPINGS / name)
    assert {section.entity for section in mapping.sections} <= ENTITIES.keys()


def test_sources_are_all_that_a_mapping_writes() -> None:
    sources = {"gitlab", "gitlab-service-catalog", "gitlab-metrics-catalog"}
    assert load_mapping(MAPPINGS / "gitlab.yaml").sources() == sources
