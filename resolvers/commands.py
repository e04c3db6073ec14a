"""Fields of commands: ids by kind of record, and the expected version of a record.

A command declares the input of its mutation: the type of each field, its description and its default. The docstring of
the command describes the input.
"""

from typing import Annotated, Any

from msgspec import Meta


def _id(prefix: str) -> Meta:
    """Describe a uuid whose global id, in requests, begins with a prefix."""
    extra: dict[str, Any] = {"id_prefix": prefix}
    return Meta(description="Its global id.", extra=extra)


ChangeId = Annotated[str, _id("chg")]
ConfigurationItemId = Annotated[str, _id("ci")]
DocumentId = Annotated[str, _id("doc")]
IncidentId = Annotated[str, _id("inc")]
RedundancyGroupId = Annotated[str, _id("rg")]
RelationshipId = Annotated[str, _id("rel")]
RequirementId = Annotated[str, _id("req")]
TeamId = Annotated[str, _id("team")]
UserId = Annotated[str, _id("user")]
WorkflowId = Annotated[str, _id("wf")]
WorkflowRunId = Annotated[str, _id("run")]

ExpectedVersion = Annotated[
    int, Meta(description="The version that you last read. If the current version differs, the error is CONFLICT.")
]
