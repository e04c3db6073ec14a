"""The Markdown pages of the repository as pages of the site, with their links rewritten."""

import os
import re
from pathlib import Path, PurePosixPath

# Pages outside docs/, and those whose address on the site differs from their place in docs/.
MOVED = {
    "README.md": "start.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "certificates/README.md": "certificates.md",
    "demo/README.md": "demo.md",
    "demo/ATTRIBUTION.md": "demo-attribution.md",
    "docs/README.md": "pages.md",
    "docs/decisions/README.md": "decisions/index.md",
}
# Where the site has the files of the repository that pages link to.
FILES = "files"
DECISIONS_NAVIGATION = "\n```{toctree}\n:hidden:\n:glob:\n\n0*\n```\n"

_LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
_PICTURES = {".png"}


def page_addresses(root: Path) -> dict[str, str]:
    """Return the page of the site for each page of the repository that the site has, both as relative paths."""
    found = (path.relative_to(root) for path in (root / "docs").rglob("*.md") if "_build" not in path.parts)
    return {path.as_posix(): path.relative_to("docs").as_posix() for path in found} | MOVED


def sources(root: Path) -> dict[str, bytes]:
    """Return each file of the site by its path: the pages, their pictures, and the files that they link to."""
    addresses = page_addresses(root)
    result: dict[str, bytes] = {}
    for page, address in addresses.items():
        text, files = rewrite_links((root / page).read_text(), page, addresses, root)
        if page == "docs/decisions/README.md":
            text += DECISIONS_NAVIGATION
        result[address] = text.encode()
        result |= {f"{FILES}/{each}": (root / each).read_bytes() for each in files}
    pictures = [path for path in (root / "docs" / "images").glob("*") if path.suffix in _PICTURES]
    return result | {f"images/{path.name}": path.read_bytes() for path in pictures}


def rewrite_links(text: str, page: str, addresses: dict[str, str], root: Path) -> tuple[str, set[str]]:
    """Return a page with links that lead to pages of the site, and the files of the repository that it links to.

    A link to a folder leads to the page of its README, or becomes text if it has none.
    """
    files: set[str] = set()

    def rewrite(link: re.Match[str]) -> str:
        label, target, anchor = link[1], link[2], link[3] or ""
        if ":" in target:
            return link[0]
        path = os.path.normpath(PurePosixPath(page).parent / target)
        if (root / path).is_dir():
            path += "/README.md"
            if path not in addresses:
                return label
        if path in addresses:
            goal = addresses[path]
        elif (root / path).is_file() and PurePosixPath(path).suffix not in _PICTURES:
            files.add(path)
            goal = f"{FILES}/{path}"
        else:
            # A picture keeps its place; Sphinx reports what does not exist.
            return link[0]
        return f"[{label}]({os.path.relpath(goal, PurePosixPath(addresses[page]).parent)}{anchor})"

    return _LINK.sub(rewrite, text), files
