"""Operations that questions can choose: trusted documents with examples, and what their variables stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class VariableKind(StrEnum):
    """What a variable of an operation stands for, which decides how a question fills it."""

    ITEM = "ITEM"
    TEAM = "TEAM"
    INCIDENT_NUMBER = "INCIDENT_NUMBER"
    CHANGE_NUMBER = "CHANGE_NUMBER"
    ANSWER = "ANSWER"
    PRIORITIES = "PRIORITIES"
    STATES = "STATES"


# By the name of the variable. Others, such as `first`, keep their defaults.
KINDS: Mapping[str, VariableKind] = {
    "item": VariableKind.ITEM,
    "from": VariableKind.ITEM,
    "to": VariableKind.ITEM,
    "team": VariableKind.TEAM,
    "incident": VariableKind.INCIDENT_NUMBER,
    "change": VariableKind.CHANGE_NUMBER,
    "answer": VariableKind.ANSWER,
    "priorities": VariableKind.PRIORITIES,
    "states": VariableKind.STATES,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """A trusted query. `reads_back` and examples have variables in braces, `id` is that of the document.

    `required` has the variables without a default, in the order of the document; `optional` those with one. A question
    must have one of the words of `needs`, if there are any. `words` are cues besides those of the examples: a question
    may say no others. Patterns of `unlike` match lower-case questions, with `item0`, `team0` and so on for entities,
    that say something else with these words.
    """

    name: str
    title: str
    id: str
    reads_back: str
    examples: tuple[str, ...]
    needs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def count(self, kind: VariableKind) -> int:
        """Return how many required variables are of a kind."""
        return sum(KINDS[name] is kind for name in self.required)
