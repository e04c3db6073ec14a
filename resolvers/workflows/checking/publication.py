"""All problems that prevent the publication of workflow revisions, for any caller."""

from collections.abc import Iterable, Sequence

from datasources.aurora.workflows.names import StatementReader
from datasources.records.workflows import WorkflowRecord, WorkflowStepRecord
from resolvers.unit_of_work import UserError, UserErrorCode
from resolvers.workflows.checking.definitions import find_problems
from resolvers.workflows.checking.names import name_problems
from resolvers.workflows.definition import Definition, InvalidDefinition, parse_definition
from resolvers.workflows.expressions.thread import run_in_thread


async def find_publication_problems(
    asked: StatementReader, revisions: Iterable[tuple[WorkflowRecord, Sequence[WorkflowStepRecord]]]
) -> dict[str, list[UserError]]:
    """Return the problems of each revision by id; needs at most two statements in total."""
    problems: dict[str, list[UserError]] = {}
    definitions: list[Definition] = []
    for record, steps in revisions:
        try:
            definitions.append(parse_definition(record, steps))
        except InvalidDefinition as error:
            problems[record.id] = [UserError(UserErrorCode.INVALID, error.path, error.reason)]
    if definitions:
        for definition, named in zip(definitions, await name_problems(asked, definitions), strict=True):
            problems[definition.id] = await run_in_thread(find_problems, definition) + named
    return problems
