"""Entities in a question: configuration items, teams, incidents, changes, priorities and states.

Only what the caller may read is found. Incidents and changes are taken by the form of their number, answers by that of
their id, and are not looked up, so that a hidden incident and one that does not exist are the same.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from datasources.aurora.search.mentions import fetch_items_by_phrases, fetch_teams_by_phrases
from datasources.records.search import NamedRecord
from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.context import Context
from resolvers.operations.catalog import VariableKind
from resolvers.operations.cues import read_signs
from resolvers.operations.filters import STATE_WORDS, read_priorities, read_states
from resolvers.operations.words import STOP_WORDS, split_words, stem

ITEMS_READ = "configuration-items:read"
TEAMS_READ = "teams:read"
# Words of a name, uncertain phrases of one question, and candidates of one mention.
MAX_PHRASE = 6
MAX_UNCERTAIN = 20
MAX_CANDIDATES = 3
# A name is recognised if this share of it is in the phrase; better by MARGIN than any other, it is the only candidate.
MIN_SHARE = 0.3
MIN_STRONG_SHARE = 0.45
MARGIN = 0.1
# Words of equal length and spelling but for a letter or two.
MIN_LIKENESS = 0.8

_NUMBER = re.compile(r"(?P<incident>INC)-?\d+|CHG-?\d+", re.IGNORECASE)
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = re.compile(rf"ci_{_UUID}")
_ANSWER_ID = re.compile(rf"ans_{_UUID}")
_PART = re.compile(r"[^\W\d_]+|\d+")
# Words of names that a phrase may add or leave out.
_GENERIC = frozenset({"node", "server", "service", "item", "host", "machine", "instance", "system", "of", "the"})
# Nouns that belong to a mention next to them.
NOUNS: Mapping[VariableKind, frozenset[str]] = {
    VariableKind.ITEM: frozenset({"service", "server", "item", "host", "system", "component", "application", "app"}),
    VariableKind.TEAM: frozenset({"team", "squad", "group", "crew"}),
    VariableKind.INCIDENT_NUMBER: frozenset({"incident", "ticket", "outage"}),
    VariableKind.CHANGE_NUMBER: frozenset({"change"}),
    VariableKind.ANSWER: frozenset({"answer"}),
}
_TEAM = frozenset({"team", "teams", "squad", "group", "crew"})
_PREPOSITIONS = frozenset(
    {"of", "for", "on", "in", "with", "by", "at", "to", "about", "from", "and", "against", "behind"}
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a mention may mean: the value of a variable, its name in words, and the share of the name, 0 to 1."""

    value: str
    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Mention:
    """The words from `start` until `end` that mean one of the candidates, best first; several if that is unclear.

    A weak mention is a word that questions use as it is, such as `search`, or only a small part of a name.
    """

    start: int
    end: int
    kind: VariableKind
    candidates: tuple[Candidate, ...]
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Entities:
    """The words of a question, what they mention, and words that stand where a name is expected and name nothing.

    `signs` are those that compare or leave out.
    """

    words: tuple[str, ...]
    mentions: tuple[Mention, ...]
    priorities: tuple[int, ...] = ()
    states: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()

    def of(self, kind: VariableKind) -> list[Mention]:
        """Return the mentions of a kind, in their order."""
        return [mention for mention in self.mentions if mention.kind is kind]


async def find_entities(context: Context, question: str, vocabulary: frozenset[str]) -> Entities:
    """Return the entities of a question; `vocabulary` has the stems of words that name nothing in particular.

    One statement for items and one for teams, each only with the permission to read them; one more for ids of items.
    """
    priorities, text = read_priorities(question)
    states, text = read_states(text)
    words = split_words(text)
    numbers = [mention for place, word in enumerate(words) if (mention := _read_number(place, word))]
    numbers += await _find_ids(context, words)
    known = [word.lower() in STOP_WORDS | STATE_WORDS or stem(word) in vocabulary for word in words]
    for mention in numbers:
        known[mention.start] = True
    phrases = {
        " ".join(words[start:end]): (start, end)
        for start, end in _ranges(len(words))
        if not all(word.lower() in STOP_WORDS for word in words[start:end])
    }
    uncertain = [" ".join(words[start:end]) for start, end in _uncertain(known)]
    items, teams = await asyncio.gather(_find_items(context, list(phrases), uncertain), _find_teams(context, phrases))
    found = [
        mention
        for kind, records in ((VariableKind.ITEM, items), (VariableKind.TEAM, teams))
        for phrase, (start, end) in phrases.items()
        if (mention := _read_mention(kind, phrase, start, end, records.get(phrase, ()), known))
    ]
    mentions = tuple(_extend(mention, words) for mention in _prefer([*numbers, *found], words))
    return Entities(
        tuple(words),
        mentions,
        tuple(priorities),
        tuple(states),
        _list_unresolved(words, known, mentions),
        read_signs(text),
    )


def _read_number(place: int, word: str) -> Mention | None:
    if _ANSWER_ID.fullmatch(word):
        return Mention(place, place + 1, VariableKind.ANSWER, (Candidate(word, word, 1.0),))
    match = _NUMBER.fullmatch(word)
    if match is None:
        return None
    kind = VariableKind.INCIDENT_NUMBER if match["incident"] else VariableKind.CHANGE_NUMBER
    return Mention(place, place + 1, kind, (Candidate(word.upper(), word.upper(), 1.0),))


async def _find_ids(context: Context, words: Sequence[str]) -> list[Mention]:
    """Return the items that are given by their global ids."""
    places = {word[3:]: place for place, word in enumerate(words) if _ID.fullmatch(word)}
    if not places or not context.principal.allows(ITEMS_READ):
        return []
    items = await context.loader(ConfigurationItemById).load_many(list(places))
    return [
        Mention(place, place + 1, VariableKind.ITEM, (Candidate(f"ci_{item.id}", item.name, 1.0),))
        for place, item in zip(places.values(), items, strict=True)
        if item is not None
    ]


def _ranges(count: int) -> list[tuple[int, int]]:
    return [(start, end) for start in range(count) for end in range(start + 1, min(start + MAX_PHRASE, count) + 1)]


def _uncertain(known: Sequence[bool]) -> list[tuple[int, int]]:
    """Return the ranges of unknown words, longest first."""
    ranges = [(start, end) for start, end in _ranges(len(known)) if not any(known[start:end])]
    return sorted(ranges, key=lambda each: each[0] - each[1])[:MAX_UNCERTAIN]


async def _find_items(
    context: Context, phrases: Sequence[str], uncertain: Sequence[str]
) -> dict[str, list[NamedRecord]]:
    if not phrases or not context.principal.allows(ITEMS_READ):
        return {}
    return _group(await fetch_items_by_phrases(context.sources.main, phrases, uncertain))


async def _find_teams(context: Context, phrases: Iterable[str]) -> dict[str, list[NamedRecord]]:
    if not phrases or not context.principal.allows(TEAMS_READ):
        return {}
    return _group(await fetch_teams_by_phrases(context.sources.main, list(phrases)))


def _group(pairs: Iterable[tuple[str, NamedRecord]]) -> dict[str, list[NamedRecord]]:
    grouped: dict[str, list[NamedRecord]] = {}
    for phrase, record in pairs:
        grouped.setdefault(phrase, []).append(record)
    return grouped


def _read_mention(
    kind: VariableKind, phrase: str, start: int, end: int, records: Iterable[NamedRecord], known: Sequence[bool]
) -> Mention | None:
    shares = sorted(
        ((share, record.name, record.id, record) for record in records if (share := share_of_name(phrase, record))),
        key=lambda each: (-each[0], *each[1:3]),
    )
    if not shares or shares[0][0] < MIN_SHARE:
        return None
    best = shares[0][0]
    # Names that do not tell candidates apart are completed by a key, or the id.
    near = [(share, record) for share, _, _, record in shares if share > best - MARGIN][:MAX_CANDIDATES]
    names = Counter(record.name for _, record in near)
    candidates = tuple(
        Candidate(
            f"ci_{record.id}" if kind is VariableKind.ITEM else record.keys[0],
            record.name
            if names[record.name] == 1
            else f"{record.name} ({max(record.keys, key=len, default=record.id)})",
            share,
        )
        for share, record in near
    )
    weak = all(known[start:end]) or best < MIN_STRONG_SHARE
    return Mention(start, end, kind, candidates, weak)


def share_of_name(phrase: str, record: NamedRecord) -> float:
    """Return which share of a name or key a phrase has, 0 to 1; 0 if it has a word or number that they do not have.

    Words may differ in a letter or two, numbers only in leading zeros.
    """
    texts = [record.name, *record.keys]
    if phrase.casefold() in {text.casefold() for text in texts}:
        return 1.0
    parts = _parts(phrase)
    return max((_share(parts, _parts(text)) for text in texts), default=0.0)


def _parts(text: str) -> list[str]:
    return [part.lstrip("0") or "0" if part.isdigit() else part for part in _PART.findall(text.casefold())]


def _share(phrase: Sequence[str], name: Sequence[str]) -> float:
    left = list(name)
    for part in phrase:
        match = next((each for each in left if _is_alike(part, each)), None)
        if match is not None:
            left.remove(match)
        elif part not in _GENERIC:
            return 0.0
    weights = [0.2 if part in _GENERIC else 1.0 for part in name]
    missing = sum(0.2 if part in _GENERIC else 1.0 for part in left)
    # Below 1, which only the name itself or a key has.
    return 0.99 * (1 - missing / sum(weights)) if name and len(left) < len(name) else 0.0


def _is_alike(one: str, other: str) -> bool:
    if one == other:
        return True
    if min(len(one), len(other)) < 4 or one.isdigit() or other.isdigit():
        return False
    return SequenceMatcher(None, one, other).ratio() >= MIN_LIKENESS


def _prefer(mentions: Sequence[Mention], words: Sequence[str]) -> tuple[Mention, ...]:
    """Return the mentions that do not overlap: longer ones first, and teams where the word `team` is next to them."""

    def is_named_team(mention: Mention) -> bool:
        around = [*words[max(mention.start - 1, 0) : mention.start], *words[mention.end : mention.end + 1]]
        return mention.kind is VariableKind.TEAM and any(word.lower() in _TEAM for word in around)

    def order(mention: Mention) -> tuple[bool, int, bool, float]:
        named = is_named_team(mention)
        return mention.weak and not named, mention.start - mention.end, not named, -mention.candidates[0].share

    chosen: list[Mention] = []
    for mention in sorted(mentions, key=order):
        overlaps = [each for each in chosen if each.start < mention.end and mention.start < each.end]
        if not all(_has_two_readings(mention, each) and not is_named_team(each) for each in overlaps):
            continue
        if mention.weak and not is_named_team(mention) and any(not each.weak for each in chosen):
            continue
        chosen.append(mention)
    return tuple(sorted(chosen, key=lambda each: (each.start, each.kind)))


def _has_two_readings(one: Mention, other: Mention) -> bool:
    """Whether the same words may be an item or a team."""
    return (one.start, one.end) == (other.start, other.end) and one.kind is not other.kind


def _extend(mention: Mention, words: Sequence[str]) -> Mention:
    """Return the mention with a noun such as `team` in front of it or behind it."""
    nouns = NOUNS.get(mention.kind, frozenset())
    start = mention.start - (mention.start > 0 and words[mention.start - 1].lower() in nouns)
    end = mention.end + (mention.end < len(words) and words[mention.end].lower() in nouns)
    return replace(mention, start=start, end=end)


def _list_unresolved(words: Sequence[str], known: Sequence[bool], mentions: Iterable[Mention]) -> tuple[str, ...]:
    """Return unknown words that stand where a name is expected: after a preposition, before `team`, with a digit."""
    covered = {place for mention in mentions for place in range(mention.start, mention.end)}
    unresolved = []
    for place, word in enumerate(words):
        if known[place] or place in covered:
            continue
        before = place - 1
        while before >= 0 and words[before].lower() in {"the", "a", "an", "our", *_TEAM, *_GENERIC} - _PREPOSITIONS:
            before -= 1
        after = words[place + 1].lower() if place + 1 < len(words) else ""
        if (before >= 0 and words[before].lower() in _PREPOSITIONS) or after in _TEAM or any(map(str.isdigit, word)):
            unresolved.append(word)
    return tuple(unresolved)
