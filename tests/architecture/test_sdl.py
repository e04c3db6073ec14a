"""The committed schema is the schema; a breaking change is seen in review."""

from pathlib import Path

from schema.schema import print_sdl

COMMITTED = Path(__file__).parents[2] / "schema" / "schema.graphql"


def test_the_committed_schema_is_current() -> None:
    assert COMMITTED.read_text() == print_sdl(), "run `make schema` and commit schema/schema.graphql"
