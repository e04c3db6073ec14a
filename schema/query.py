"""The query root, composed of the queries of each domain, and `node` and `nodes`."""

from collections.abc import Mapping
from typing import Any

import strawberry

from resolvers.context import Context
from schema.ai_usage.types import AiUsageQueries
from schema.answers.operations import OperationQueries
from schema.answers.types import AnswerQueries
from schema.answers.verification import VerificationQueries
from schema.change_feed.types import FeedQueries
from schema.changes.types import Change, ChangeQueries
from schema.configuration_items.types import ConfigurationItem, ConfigurationItemQueries
from schema.declarations.fields import Argument, ArgumentSize, field
from schema.declarations.ids import decode_id
from schema.declarations.node import Node
from schema.declarations.paging import check_bounds
from schema.documents.types import Document, DocumentQueries
from schema.impact.types import ImpactQueries
from schema.incidents.types import Incident, IncidentQueries
from schema.monitoring.backlogs import BacklogQueries
from schema.monitoring.consistency import ConsistencyQueries
from schema.relationships.paths import PathQueries
from schema.relationships.types import Relationship
from schema.requirements.types import Requirement, RequirementQueries
from schema.search.types import SearchQueries
from schema.taxonomy.relationship_types import RelationshipTypeQueries
from schema.teams.types import Team, TeamQueries
from schema.users.types import User, UserQueries
from schema.users.viewer import ViewerQueries
from schema.workflow_runs.types import WorkflowRun, WorkflowRunQueries
from schema.workflows.types import Workflow, WorkflowQueries

NODE_TYPES: tuple[type[Node], ...] = (
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
_TYPES_BY_PREFIX = {type_.prefix: type_ for type_ in NODE_TYPES}
MAX_NODES = 500


def _node(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    return _load_node(context, arguments["id"], "id")


async def _nodes(context: Context, _: Any, arguments: Mapping[str, Any]) -> list[Any]:
    check_bounds(len(arguments["ids"]), "ids", MAX_NODES)
    loading = [_load_node(context, each, "ids") for each in arguments["ids"]]
    return [None if each is None else await each for each in loading]


def _load_node(context: Context, text: str, argument: str) -> Any:
    prefix, uuid = decode_id(text, argument)
    type_ = _TYPES_BY_PREFIX.get(prefix)
    if type_ is None:
        return None
    context.require(type_.needs)
    return context.loader(type_.by_id).load(uuid)


@strawberry.type(description="All queries.")
class Query(
    AiUsageQueries,
    AnswerQueries,
    BacklogQueries,
    ChangeQueries,
    ConfigurationItemQueries,
    ConsistencyQueries,
    DocumentQueries,
    FeedQueries,
    ImpactQueries,
    IncidentQueries,
    OperationQueries,
    PathQueries,
    RelationshipTypeQueries,
    RequirementQueries,
    SearchQueries,
    TeamQueries,
    UserQueries,
    VerificationQueries,
    ViewerQueries,
    WorkflowQueries,
    WorkflowRunQueries,
):
    node: Node | None = field(
        _node,
        "The object with this id; null if there is none, or if you are not permitted to see it.",
        needs="nodes:read",
        arguments=(Argument("id", strawberry.ID, "A global id."),),
    )
    nodes: list[Node | None] | None = field(
        _nodes,
        "Like `node`, for at most 500 ids, in the order of the ids. One statement for each type.",
        needs="nodes:read",
        arguments=(Argument("ids", list[strawberry.ID], "Global ids."),),
        size=ArgumentSize("ids"),
    )
