"""The page on access names every permission that the schema or the code asks for, and no other."""

import re
from pathlib import Path

from resolvers.principals.principal import ALL_PERMISSIONS, EXECUTE_WORKFLOWS, READ_RESTRICTED
from schema.execution.execution import EXPLAIN_PERMISSION, FREE_FORM_PERMISSION
from schema.http.alert_webhooks import WRITE_PERMISSION as ALERTS_WRITE
from schema.http.events import WRITE_PERMISSION as EVENTS_WRITE
from schema.schema import print_sdl

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text()


def test_the_page_lists_every_permission() -> None:
    listed = re.findall(r"^\| `([a-z:*-]+)` \|", PAGE, re.MULTILINE)
    printed = set(re.findall(r'@needs\(permission: "([^"]+)"\)', print_sdl()))
    assert len(printed) == 27
    assert sorted(listed) == sorted(
        printed
        | {
            READ_RESTRICTED,
            EXECUTE_WORKFLOWS,
            FREE_FORM_PERMISSION,
            EXPLAIN_PERMISSION,
            EVENTS_WRITE,
            ALERTS_WRITE,
            "schema:introspect",
            ALL_PERMISSIONS,
        }
    )
