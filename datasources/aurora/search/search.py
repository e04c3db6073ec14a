"""Search in both databases: words, beginnings and similar spellings, on one scale."""

from unicodedata import normalize

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements
from datasources.records.queries import Scope
from datasources.records.search import SearchHit, SearchKind, SearchQuery

# Of rows of one kind that hold the words, at most so many are ranked; a word in every row stays affordable.
MAX_CANDIDATES = 2_000
# From Thai on, as `spelled_letters` of the database has it.
_SPELLED_BY_THREE = 0x0E00
# Plain text of about two lines.
HEADLINE_OPTIONS = 'StartSel="", StopSel="", MaxWords=30, MinWords=12, MaxFragments=0'


async def search_main(database: Database, asked: SearchQuery, scope: Scope) -> list[SearchHit]:
    """What matches in the main database and may be seen, best first. One statement."""
    visible = {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
    bound = _bound(asked) | visible | {"kinds": [kind.value for kind in asked.kinds], "headline": HEADLINE_OPTIONS}
    return await database.fetch(statements("search/search")["search_main"], bound, _hit)


async def search_requirements(database: Database, asked: SearchQuery) -> list[SearchHit]:
    """The requirements that match, best first. One statement."""
    return await database.fetch(statements("search/search")["search_requirements"], _bound(asked), _hit)


def _bound(asked: SearchQuery) -> dict[str, object]:
    # As the database composes what it compares. Done before quoting: some letters become quotes by it.
    text = normalize("NFKC", asked.text)
    *words, last = text.split() or [text]
    return {
        "text": text,
        "exact": list({asked.text, text, text.lower(), text.upper()}),
        "words": " ".join(word for word in words if word.isascii()),
        # Letters of one word that become words of their own must follow each other, so each is a phrase.
        "phrases": " & ".join([*(_quoted(word) for word in words if not word.isascii()), f"{_quoted(last)}:*"]),
        "inside": _inside(text),
        "beginning": text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
        "first": asked.first,
        "candidates": MAX_CANDIDATES,
    }


def _quoted(word: str) -> str:
    # Quoted, a word is parsed as text instead of as query syntax; :* asks for words that begin like it.
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _inside(text: str) -> str | None:
    """The text, if it is looked for inside of words too: it is beyond ASCII, and its spelling in ASCII has the three
    letters of a trigram, as any one letter beyond U+0E00 has."""
    letters = sum(3 if ord(letter) >= _SPELLED_BY_THREE else 1 for letter in text if letter.isalnum())
    return text if not text.isascii() and letters >= 3 else None


def _hit(kind: str, identity: str, score: float, title: str, excerpt: str | None) -> SearchHit:
    return SearchHit(SearchKind(kind), identity, score, title, excerpt)
