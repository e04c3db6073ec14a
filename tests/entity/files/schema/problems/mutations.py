"""Mutations of problems."""

from functools import partial

import strawberry

from resolvers.problems import use_cases
from resolvers.problems.loaders import ProblemById
from schema.declarations.fields import link
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.problems.types import READ_PERMISSION, Problem


@strawberry.type
class ProblemPayload:
    """The fields that all payloads with one problem share."""

    problem: Problem | None = link(ProblemById, "The problem as it is now.", key="id", needs=READ_PERMISSION)
    user_errors: list[UserErrorType] = user_errors()


problem_mutation = partial(mutation, payload=ProblemPayload, needs="problems:write")


@strawberry.type
class ProblemMutations:
    open_problem = problem_mutation(
        use_cases.OpenProblem, use_cases.open, "Open a problem.", "The new problem, or why there is none."
    )
    update_problem = problem_mutation(
        use_cases.UpdateProblem,
        use_cases.update,
        "Update a problem. Its key cannot be changed.",
        "The updated problem, or why it was not updated.",
    )
