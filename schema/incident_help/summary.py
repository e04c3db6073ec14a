"""The summary of an incident: cited sentences about what is known."""

from collections.abc import Mapping
from typing import Any

import strawberry

from resolvers.context import Context
from resolvers.incident_help.summary import summarise
from schema.answers.types import AnswerSentence, Citation
from schema.declarations.fields import attribute, field

READ_PERMISSION = "incidents:read"
# The searches of `suggestedRunbooks` and `similarIncidents`.
SUMMARY_COST = 4_000


@strawberry.type(
    description="What is known about an incident. No model writes it: texts of people are quoted, and equal data have "
    "equal summaries, but for the age of the incident."
)
class IncidentSummary:
    text: str = attribute("All sentences as plain text: a line for each, with the numbers of its citations.")
    sentences: list[AnswerSentence] = attribute(
        "Its state, its configuration items with owners and dependents, its change, its latest activities, a sentence "
        "of the best runbook, and how the most similar past incident was resolved.",
        size=12,
    )
    citations: list[Citation] = attribute("The sources of all sentences, by number.", size=10)


def _summarise(context: Context, incident: Any, _: Mapping[str, Any]) -> Any:
    return summarise(context, incident)


@strawberry.type
class HasSummary:
    """Adds the field `summary` to a type."""

    summary: IncidentSummary | None = field(
        _summarise,
        "A summary of what is known, with the source of each sentence. Each part needs its own permission and is left "
        "out without it. About 20 statements and three walks, for all incidents of one level.",
        needs=READ_PERMISSION,
        cost=SUMMARY_COST,
    )
