"""The page on access names every permission that the schema or the code asks for, and no other."""

import re
from pathlib import Path

from resolvers.principals.principal import EVERYTHING, EXECUTE, READ_RESTRICTED
from schema.execution.execution import FREE_FORM
from schema.http.alert_webhooks import WRITES as ALERTS_WRITE
from schema.http.events import WRITES as EVENTS_WRITE
from schema.schema import sdl

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text()


def test_the_page_lists_every_permission() -> None:
    listed = re.findall(r"^\| `([a-z:*-]+)` \|", PAGE, re.MULTILINE)
    printed = set(re.findall(r'@needs\(permission: "([^"]+)"\)', sdl()))
    assert len(printed) == 24
    assert sorted(listed) == sorted(
        printed | {READ_RESTRICTED, EXECUTE, FREE_FORM, EVENTS_WRITE, ALERTS_WRITE, "schema:introspect", EVERYTHING}
    )
