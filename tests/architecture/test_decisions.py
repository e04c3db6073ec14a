"""Decisions are numbered once, and their index has the title and the status of each page."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.name != "README.md")
STATUS = re.compile(r"^\*\*Status: (.+?)\.\*\*", re.MULTILINE)
ROW = re.compile(r"^\| \[(\d{4})\]\((.+?\.md)\) \| (.+) \| (.+) \|$", re.MULTILINE)


def row(page: Path) -> tuple[str, str, str, str]:
    """The number, file name, title and status of a page. One without a status is accepted."""
    text = page.read_text()
    status = STATUS.search(text)
    return page.name[:4], page.name, text.splitlines()[0].removeprefix("# "), status[1] if status else "accepted"


def test_decisions_are_numbered_once() -> None:
    numbers = [page.name[:4] for page in PAGES]
    assert numbers == sorted(set(numbers))
    assert all(number.isdigit() for number in numbers)


def test_the_index_has_each_decision_with_its_title_and_status() -> None:
    assert ROW.findall((FOLDER / "README.md").read_text()) == [row(page) for page in PAGES]


def test_a_status_is_one_of_those_that_the_index_explains() -> None:
    known = re.compile(r"accepted|withdrawn in .+|superseded by \[\d{4}\]\(\d{4}-.+\.md\)")
    assert [page.name for page in PAGES if not known.fullmatch(row(page)[3])] == []
