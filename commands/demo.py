"""Where the demo landscape joins the start: loaded once, into embedded stores only."""

import pkgutil
from collections.abc import Callable
from importlib.util import find_spec

# load_if_empty(main_url) -> configuration items loaded, 0 if there were any already. Blocks.
Loader = Callable[[str], int]


def loader() -> Loader | None:
    """The demo's loader, `demo.load.load_if_empty`; None in an installation without the demo."""
    if find_spec("demo.load") is None:
        return None
    found: Loader = pkgutil.resolve_name("demo.load:load_if_empty")
    return found
