"""Questions in words to trusted documents: which document answers, with which variables."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.scalars import JSON

from resolvers.answers.use_cases import MAX_ITEMS, MAX_QUESTION_LENGTH
from resolvers.context import Context
from resolvers.operations.matching import MAX_CHOICES, Choice, MatchStatus
from resolvers.operations.matching import OperationMatch as FoundMatch
from resolvers.operations.model_choice import model_choice
from resolvers.operations.use_cases import find_operation
from schema.answers.types import ASK_PERMISSION, to_item_id
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, field
from schema.operations.catalog import operation_catalog

register_enum(
    MatchStatus,
    "Whether a trusted document answers the question.",
    CHOSEN="One does; it is the only choice.",
    UNSURE="Several may, or one that ignores a part of the question: ask which one is meant.",
    NONE="None does. `ask` may find an answer in documents.",
)


@strawberry.type(description="A trusted document with its variables. Nothing has been run.")
class OperationChoice:
    record = Choice

    name: str = attribute("The name of the document, for example `dependents`.", of="operation.name")
    title: str = attribute("What it is for, for example `Dependents of an item`.", of="operation.title")
    document_id: str = attribute(
        "Send it as `documentId` to run the document: `sha256:` and a hash.", of="operation.id"
    )
    variables: JSON = attribute('The variables to send with it, for example `{"item": "ci_..."}`.')
    question: str = attribute("How it reads in words, for example `Items that depend on Top-of-rack switch b1`.")
    score: float = attribute("How near it is to the question, 0 to 1.")


@strawberry.type(
    description="Which trusted document answers a question. Documents are queries; words never change data."
)
class OperationMatch:
    record = FoundMatch

    status: MatchStatus = attribute("Whether one answers the question.")
    choices: list[OperationChoice] = attribute(
        f"The document if it is CHOSEN, at most {MAX_CHOICES}, best first, if UNSURE.", size=MAX_CHOICES
    )
    reason: str = attribute("Why no document was chosen; empty if one was.")


# Comparing the question with all examples takes about 5 ms of Python.
FIND_COST = 2_000


def _find_operation(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    items = [to_item_id(each) for each in arguments.get("about") or ()]
    return find_operation(context, arguments["question"], items, operation_catalog(), model_choice(context))


@strawberry.type
class OperationQueries:
    find_operation: OperationMatch | None = field(
        _find_operation,
        "Find the trusted document that answers a question, with its variables, for example for `What depends on "
        "switch b1?`. Run it by its `documentId`, with the permissions of its fields. Items are found with "
        "`configuration-items:read`, teams with `teams:read`. Two "
        "statements; with a language model and several near documents, three more.",
        needs=ASK_PERMISSION,
        arguments=(
            Argument(
                "question",
                str,
                f"The question, 1 to {MAX_QUESTION_LENGTH:,} characters, for example `open P1 incidents of database`.",
            ),
            Argument(
                "about",
                list[strawberry.ID] | None,
                f"Global ids of the configuration items that words such as `it` mean, at most {MAX_ITEMS}.",
            ),
        ),
        cost=FIND_COST,
    )
