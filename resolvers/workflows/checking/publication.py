"""Everything that stops revisions of workflows from being published, whoever asks."""

from collections.abc import Iterable, Sequence

from datasources.aurora.workflows.names import Asked
from datasources.records.workflows import WorkflowRecord, WorkflowStepRecord
from resolvers.unit_of_work import UserError, UserErrorCode
from resolvers.workflows.checking.definitions import problems
from resolvers.workflows.checking.names import name_problems
from resolvers.workflows.definition import Definition, Unreadable, read
from resolvers.workflows.expressions.thread import in_thread


async def found_problems(
    asked: Asked, revisions: Iterable[tuple[WorkflowRecord, Sequence[WorkflowStepRecord]]]
) -> dict[str, list[UserError]]:
    """The problems of each revision by id, with those of its form first; at most two statements for all of them."""
    found: dict[str, list[UserError]] = {}
    definitions: list[Definition] = []
    for record, steps in revisions:
        try:
            definitions.append(read(record, steps))
        except Unreadable as error:
            found[record.id] = [UserError(UserErrorCode.INVALID, error.path, error.reason)]
    if definitions:
        for definition, named in zip(definitions, await name_problems(asked, definitions), strict=True):
            found[definition.id] = await in_thread(problems, definition) + named
    return found
