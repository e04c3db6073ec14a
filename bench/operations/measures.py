"""Questions with the operations that answer them, and how often the right one is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.configuration_items.loaders import ConfigurationItemByIdentificationKey
from resolvers.context import Context
from resolvers.operations.matching import MatchStatus, OperationMatch
from resolvers.operations.use_cases import find_operation
from resolvers.principals.principal import operator_principal
from schema.operations.catalog import operation_catalog

QUESTIONS = Path(__file__).parent / "questions.yaml"
QUALIFIERS = Path(__file__).parent / "qualifiers.yaml"
# Sets of questions that may only be answered with their condition, and need not be answered.
QUALIFIED = ("qualified", "qualified_kept_aside", "reviewed")
DIRECTIONAL = frozenset({"dependents", "dependencies"})
ITEM_VARIABLES = ("item", "from", "to")


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its operation with variables; without an operation it must be refused.

    A question of a kind in QUALIFIED may be refused too.
    """

    kind: str
    text: str
    operation: str | None = None
    variables: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for a question, and whether it is right: operation and variables, or no operation."""

    question: Question
    match: OperationMatch
    is_right: bool

    @property
    def is_chosen(self) -> bool:
        """Whether an operation was chosen."""
        return self.match.status is MatchStatus.CHOSEN

    @property
    def is_offered(self) -> bool:
        """Whether the right operation is among the choices."""
        return any(choice.operation.name == self.question.operation for choice in self.match.choices)


def read_questions() -> list[Question]:
    """Return all questions of both files."""
    sets = yaml.safe_load(QUESTIONS.read_text()) | yaml.safe_load(QUALIFIERS.read_text())
    questions = [
        Question(kind, each["question"], each.get("operation"), tuple(each.get("variables", {}).items()))
        for kind in ("in_scope", "kept_aside", *QUALIFIED)
        for each in sets.get(kind, ())
    ]
    return questions + [Question(kind, text) for kind in ("out_of_scope", "imperative") for text in sets[kind]]


async def ask_all(sources: Sources, questions: Sequence[Question]) -> list[Finding]:
    """Ask all questions one after the other."""
    return [await _ask(sources, question) for question in questions]


async def _ask(sources: Sources, question: Question) -> Finding:
    principal = operator_principal()
    context = Context(principal, principal.scope, sources, RequestContext())
    expected = dict(question.variables)
    for name in ITEM_VARIABLES:
        if name in expected:
            source, _, key = expected[name].partition("/")
            item = await context.loader(ConfigurationItemByIdentificationKey).load((source, key))
            if item is None:
                raise ValueError(f"{QUESTIONS.name}: there is no item {expected[name]}")
            expected[name] = f"ci_{item.id}"
    match = await find_operation(context, question.text, [], operation_catalog())
    if match.status is not MatchStatus.CHOSEN and (question.operation is None or question.kind in QUALIFIED):
        return Finding(question, match, is_right=True)
    is_right = match.status is MatchStatus.CHOSEN and (
        match.choices[0].operation.name == question.operation and dict(match.choices[0].variables) == expected
    )
    return Finding(question, match, is_right)
