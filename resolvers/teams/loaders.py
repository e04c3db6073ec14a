"""Loaders of teams."""

from datasources.aurora.teams.table import TEAMS
from datasources.records.teams import TeamRecord
from resolvers.loading.tables import PagesBy, RowBy


class TeamById(RowBy[TeamRecord]):
    table = TEAMS


class TeamByKey(RowBy[TeamRecord]):
    table = TEAMS
    by = "keys"


class Teams(PagesBy[TeamRecord]):
    table = TEAMS


class TeamsByUser(PagesBy[TeamRecord]):
    table = TEAMS
    link = "user"
