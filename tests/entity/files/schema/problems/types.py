"""Problems: the unknown causes of incidents."""

from datetime import datetime

import strawberry

from datasources.records.problems import ProblemRecord
from datasources.records.queries import Order
from resolvers.problems.loaders import ProblemById, ProblemByKey, Problems
from schema.declarations.connections import Connection, PageDeclaration, connection
from schema.declarations.fields import Argument, attribute
from schema.declarations.filters import IdFilter, TextFilter, all_of, any_of, condition, none_of, order_input
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field

READ_PERMISSION = "problems:read"


@strawberry.type(description="The unknown cause of incidents.")
class Problem(Node):
    record = ProblemRecord
    prefix = "prb"
    by_id = ProblemById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("prb")
    key: str = attribute("Its key, unique, for example `PRB0000042`.")
    title: str = attribute("Its title.")
    description: str = attribute("What is known of it; can be empty.")
    version: int = attribute("Increases by one with each write.")
    updated_at: datetime = attribute("When it last changed.")


@strawberry.type(description="A page of problems.")
class ProblemConnection(Connection[Problem]):
    pass


@strawberry.input(description="Conditions on problems; all given conditions must hold.")
class ProblemFilter:
    id: IdFilter | None = condition("Its global id.")
    key: TextFilter | None = condition("Its key.")
    title: TextFilter | None = condition("Its title.")
    and_: list["ProblemFilter"] | None = all_of()
    or_: list["ProblemFilter"] | None = any_of()
    not_: "ProblemFilter | None" = none_of()


ProblemOrder = order_input("Problem", "problems", KEY="By key.", TITLE="By title.")
PROBLEM_PAGES = PageDeclaration(READ_PERMISSION, ProblemFilter | None, ProblemOrder | None, Order("title"))


@strawberry.type
class ProblemQueries:
    problem: Problem | None = by_unique_key(
        Problem,
        "One problem, by id or by key; null if there is none.",
        {"key": (Argument("key", str | None, "Its key, for example `PRB0000042`."), ProblemByKey, str)},
    )
    problems: ProblemConnection | None = connection(Problems, "All problems, by title.", pages=PROBLEM_PAGES)
