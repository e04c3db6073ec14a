"""Remedies for unknown names."""

from collections.abc import Collection
from difflib import get_close_matches


def suggest_names(word: str, known: Collection[str]) -> str:
    """Suggest the nearest names, or list up to 12 known names if none is near."""
    # The cost of the comparison grows with the product of the lengths.
    near = get_close_matches(word[:200], [name[:200] for name in known][:2_000], n=2)
    names = near or sorted(known)[:12]
    return f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(name[:60] for name in names)}"
