"""Write the sources of the documentation site into a folder: python -m docs.generators FOLDER."""

import sys
from pathlib import Path

from docs.generators import command_line, event_types, graphql_schema, pages

ROOT = Path(__file__).parents[2]


def main(folder: Path) -> None:
    """Make the folder hold the sources and nothing else; a file that does not change keeps its time, for Sphinx."""
    sources = {
        **pages.sources(ROOT),
        **graphql_schema.sources((ROOT / "schema" / "schema.graphql").read_text()),
        **event_types.sources(ROOT / "resolvers" / "events" / "schemas"),
        **command_line.sources(),
    }
    for name, content in sources.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in sources:
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
