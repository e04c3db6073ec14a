"""The root of reading: what each domain contributes, and nodes by id."""

from collections.abc import Mapping
from typing import Any

import strawberry

from resolvers.context import Context
from schema.backlogs import BacklogQueries
from schema.changes import Change, ChangeQueries
from schema.configuration_items import ConfigurationItem, ConfigurationItemQueries
from schema.consistency import ConsistencyQueries
from schema.documents import Document, DocumentQueries
from schema.feed import FeedQueries
from schema.fields import Argument, ArgumentSize, field
from schema.ids import decode
from schema.impact import ImpactQueries
from schema.incidents import Incident, IncidentQueries
from schema.node import Node
from schema.paging import clamp
from schema.paths import PathQueries
from schema.relationship_types import RelationshipTypeQueries
from schema.relationships import Relationship
from schema.requirements import Requirement, RequirementQueries
from schema.search import SearchQueries
from schema.teams import Team, TeamQueries
from schema.users import User, UserQueries
from schema.viewer import ViewerQueries
from schema.workflow_runs import WorkflowRun, WorkflowRunQueries
from schema.workflows import Workflow, WorkflowQueries

NODES: tuple[type[Node], ...] = (
    Change,
    ConfigurationItem,
    Document,
    Incident,
    Relationship,
    Requirement,
    Team,
    User,
    Workflow,
    WorkflowRun,
)
_BY_PREFIX = {type_.prefix: type_ for type_ in NODES}
MOST_NODES = 500


def _node(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    return _load(context, arguments["id"], "id")


async def _nodes(context: Context, _: Any, arguments: Mapping[str, Any]) -> list[Any]:
    clamp(len(arguments["ids"]), "ids", MOST_NODES)
    loading = [_load(context, each, "ids") for each in arguments["ids"]]
    return [None if each is None else await each for each in loading]


def _load(context: Context, text: str, argument: str) -> Any:
    prefix, uuid = decode(text, argument)
    type_ = _BY_PREFIX.get(prefix)
    if type_ is None:
        return None
    context.require(type_.needs)
    return context.loader(type_.by_id).load(uuid)


@strawberry.type(description="Everything that can be read.")
class Query(
    BacklogQueries,
    ChangeQueries,
    ConfigurationItemQueries,
    ConsistencyQueries,
    DocumentQueries,
    FeedQueries,
    ImpactQueries,
    IncidentQueries,
    PathQueries,
    RelationshipTypeQueries,
    RequirementQueries,
    SearchQueries,
    TeamQueries,
    UserQueries,
    ViewerQueries,
    WorkflowQueries,
    WorkflowRunQueries,
):
    node: Node | None = field(
        _node,
        "Whatever has this id; null if nothing has, or if you may not see it.",
        needs="nodes:read",
        arguments=(Argument("id", strawberry.ID, "A global id."),),
    )
    nodes: list[Node | None] | None = field(
        _nodes,
        "As `node`, for at most 500 ids, in their order. One statement for each type among them.",
        needs="nodes:read",
        arguments=(Argument("ids", list[strawberry.ID], "Global ids."),),
        size=ArgumentSize("ids"),
    )
