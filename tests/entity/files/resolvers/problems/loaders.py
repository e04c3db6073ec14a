"""Loaders of problems."""

from datasources.aurora.problems.table import PROBLEMS
from datasources.records.problems import ProblemRecord
from resolvers.loading.tables import PagesBy, RowBy


class ProblemById(RowBy[ProblemRecord]):
    table = PROBLEMS


class ProblemByKey(RowBy[ProblemRecord]):
    table = PROBLEMS
    by = "keys"


class Problems(PagesBy[ProblemRecord]):
    table = PROBLEMS
