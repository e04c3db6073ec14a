"""Priorities and states of incidents that a question names, as lists that a filter takes."""

import re
from collections.abc import Sequence, Set
from itertools import takewhile

from datasources.records.incidents import IncidentState

_LEVEL = r"(?:p|sev ?|(?:prio|priority|priorities|severity) )"
_PRIORITY = rf"(?:priority )?\b{_LEVEL}(?P<{{0}}>[1-5])(?:'?s)?\b(?:[ -]priority\b)?"
_AND = r"(?: ?(?:,|/|&|,? ?\band/or\b|,? ?\band\b|,? ?\bor\b) ?)"
_TO = r"(?: ?(?:-|–|—|\.\.\.?|…) ?| (?:to|through|thru|until|till) )"
# A range, or a list whose later members may be digits alone.
_PRIORITIES = re.compile(
    rf"(?:\bbetween {_PRIORITY.format('least')} and {_LEVEL}?(?P<most>[1-5])\b)"
    rf"|(?:(?:\bfrom )?{_PRIORITY.format('first')}{_TO}{_LEVEL}?(?P<last>[1-5])(?:'?s)?\b)"
    rf"|(?:(?:\b(?:both|either) )?{_PRIORITY.format('one')}(?P<more>(?:{_AND}{_LEVEL}?[1-5](?:'?s)?\b)*))",
    re.I,
)
PRIORITY_WORD = "priority"


def read_priorities(question: str) -> tuple[Sequence[int], str]:
    """Return the priorities that a question names, sorted, and the question with `priority` for each list or range.

    Comparisons such as 'above P2' are not read: whether P1 or P3 is above it depends on who asks.
    """
    found: set[int] = set()
    for match in _PRIORITIES.finditer(question):
        ends = match["least"] or match["first"], match["most"] or match["last"]
        if ends[0] and ends[1]:
            low, high = sorted(map(int, ends))
            found |= set(range(low, high + 1))
        else:
            found |= {int(digit) for digit in re.findall(r"[1-5]", match["one"] + match["more"])}
    return sorted(found), _PRIORITIES.sub(PRIORITY_WORD, question)


_OPEN = frozenset({IncidentState.NEW, IncidentState.IN_PROGRESS, IncidentState.ON_HOLD})
_PAST = frozenset({IncidentState.RESOLVED, IncidentState.CLOSED})
# The word that stands for a state in the text, what means it, and the states.
_STATES: Sequence[tuple[str, str, Set[IncidentState]]] = (
    ("unresolved", r"(?:un|not )resolved", _OPEN),
    ("open", r"open", _OPEN),
    ("resolved", r"(?:closed|resolved|solved)", _PAST),
    ("past", r"(?:past|previous|former)(?= (?:priority )?(?:incident|ticket|issue|problem|outage)s\b)", _PAST),
    ("cancelled", r"cancell?ed", frozenset({IncidentState.CANCELLED})),
    ("on-hold", r"on[ -]hold", frozenset({IncidentState.ON_HOLD})),
)
STATE_WORDS = frozenset(word for word, _, _ in _STATES)
_STATE = re.compile("|".join(rf"(\b{pattern}\b)" for _, pattern, _ in _STATES), re.I)
_ANY = "|".join(pattern for _, pattern, _ in _STATES)
_STATE_LIST = re.compile(rf"(?:\b(?:both|either) )?(?<!-)\b(?:{_ANY})\b(?!-\w)(?:{_AND}(?:{_ANY})\b)*", re.I)


def read_states(question: str) -> tuple[Sequence[str], str]:
    """Return the states of incidents that a question names, and the question with one word for each list of states.

    None means open ones. 'Resolved and open' has the states of both.
    """
    found: set[IncidentState] = set()

    def replace(match: re.Match[str]) -> str:
        inside = takewhile(lambda each: each.end() <= match.end(), _STATE.finditer(question, match.start()))
        read = [_STATES[each.lastindex - 1] for each in inside if each.lastindex]
        found.update(*(states for _, _, states in read))
        return read[0][0]

    text = _STATE_LIST.sub(replace, question)
    return () if found == _OPEN else [state for state in IncidentState if state in found], text
