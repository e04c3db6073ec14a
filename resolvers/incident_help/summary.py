"""The summary of an incident: sentences about what is known, each with its source, made without a model."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from datasources.graph.port import Direction
from datasources.records.incidents import IncidentActivityRecord, IncidentRecord
from datasources.records.queries import Order, PageRequest
from resolvers.answers.answer import Citation, CitedSentence
from resolvers.answers.extraction import coverage, list_candidates
from resolvers.answers.facts import state_class, state_neighbours
from resolvers.answers.loaders import TermsByText
from resolvers.answers.use_cases import DOCUMENTS_READ, ITEMS_READ, MAX_INCIDENT_ITEMS, suggest_runbooks
from resolvers.changes.loaders import ChangeById
from resolvers.configuration_items.loaders import ConfigurationItemsByIncident
from resolvers.context import Context
from resolvers.incident_help.similar_incidents import SimilarIncident, find_similar_incidents
from resolvers.incidents.loaders import ActivitiesByIncident
from resolvers.loading.tables import RowsArguments, Selection
from resolvers.teams.loaders import TeamById

# Items, and entries of the timeline, in one summary; the others are counted or left out.
MAX_ITEMS = 3
MAX_ACTIVITIES = 3
# Similar incidents of which the first that says how it was resolved is quoted.
MAX_SIMILAR = 3
# Characters of a text that people wrote.
MAX_QUOTE = 300
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))

# A sentence and its source.
Source = tuple[str, Citation]


@dataclass(frozen=True, slots=True)
class IncidentSummary:
    """What is known about an incident. `text` has a line for each sentence with the numbers of its citations."""

    text: str
    sentences: tuple[CitedSentence, ...]
    citations: tuple[Citation, ...]


async def summarise(context: Context, incident: IncidentRecord, now: datetime | None = None) -> IncidentSummary:
    """Return the state, items, change, latest activities, best runbook and most similar incident of an incident.

    Each part only with the caller's permission for it. The same data at the same time, now by default, has the same
    summary. All incidents of one level share their statements.
    """
    parts = await asyncio.gather(
        _state(context, incident, now or datetime.now(UTC)),
        _describe_items(context, incident),
        _describe_change(context, incident),
        _quote_activities(context, incident),
        _quote_runbook(context, incident),
        _quote_similar_incident(context, incident),
    )
    sources = [source for part in parts for source in part]
    numbered: dict[Citation, Citation] = {}
    for _, source in sources:
        numbered.setdefault(source, replace(source, number=len(numbered) + 1))
    return IncidentSummary(
        "\n".join(f"{text} [{numbered[source].number}]" for text, source in sources),
        tuple(CitedSentence(text, (numbered[source],)) for text, source in sources),
        tuple(numbered.values()),
    )


async def _state(context: Context, incident: IncidentRecord, now: datetime) -> list[Source]:
    citation = _cite(incident)
    age = describe_duration((now - incident.opened_at).total_seconds())
    sources = [
        f"{incident.number} {_quote(incident.title)}",
        f"It has priority {incident.priority}, is {_words(incident.state)}, and was opened {age} ago, "
        f"{_describe_time(incident.opened_at)}.",
    ]
    if context.principal.allows("teams:read"):
        team = await context.loader(TeamById).load(incident.team_id) if incident.team_id else None
        sources.append(f"The team {team.name} works on it." if team else "No team works on it.")
    if incident.resolution or incident.resolution_code:
        sources.append(f"It was resolved: {_describe_resolution(incident)}")
    return [(text, citation) for text in sources]


async def _describe_items(context: Context, incident: IncidentRecord) -> list[Source]:
    if not context.principal.allows(ITEMS_READ):
        return []
    selection = Selection(extra=(("role", None),))
    # The same page as that of the runbooks, which then is one statement.
    arguments = RowsArguments(selection, PageRequest(MAX_INCIDENT_ITEMS, Order("name")))
    counting = context.loader(ConfigurationItemsByIncident.counts, RowsArguments(selection)).load(incident.id)
    page = await context.loader(ConfigurationItemsByIncident, arguments).load(incident.id)
    count: int = await counting
    items = [row.record for row in page.rows[:MAX_ITEMS]]
    sources: list[Source] = []
    if count > len(items):
        sources.append((f"It concerns {count:,} configuration items, here are {len(items)}.", _cite(incident)))
    facts = await asyncio.gather(
        *(
            asyncio.gather(state_class(context, item), state_neighbours(context, item, Direction.DEPENDENTS))
            for item in items
        )
    )
    for item, stated in zip(items, facts, strict=True):
        citation = Citation(item.name, item_id=item.id, item_version=item.version)
        sources += [(fact.text, citation) for fact in stated if fact is not None]
    return sources


async def _describe_change(context: Context, incident: IncidentRecord) -> list[Source]:
    if incident.change_id is None or not context.principal.allows("changes:read"):
        return []
    change = await context.loader(ChangeById).load(incident.change_id)
    if change is None:
        return []
    text = f"It is related to the change {change.number} ({_words(change.state)}): {_quote(change.title)}"
    return [(text, Citation(change.number, change_id=change.id, change_version=change.version))]


async def _quote_activities(context: Context, incident: IncidentRecord) -> list[Source]:
    activities: Sequence[IncidentActivityRecord] = await context.loader(ActivitiesByIncident).load(incident.id)
    latest = [activity for activity in activities if activity.body.strip()][-MAX_ACTIVITIES:]
    return [
        (
            f"{_describe_time(activity.happened_at)}, {activity.kind}: {_quote(activity.body)}",
            replace(_cite(incident), activity_id=activity.id),
        )
        for activity in latest
    ]


async def _quote_runbook(context: Context, incident: IncidentRecord) -> list[Source]:
    """Return the sentence of the best passage that has the most words of the incident."""
    if not context.principal.allows(DOCUMENTS_READ):
        return []
    candidates = list_candidates(await suggest_runbooks(context, incident, 1))
    if not candidates:
        return []
    asked = f"{incident.title}\n{incident.description}"
    texts = [asked, *(candidate.sentence.text for candidate in candidates)]
    terms = dict(zip(texts, await context.loader(TermsByText).load_many(texts), strict=True))
    best = max(candidates, key=lambda candidate: coverage(terms[asked], terms[candidate.sentence.text]))
    chunk, sentence = best.passage.chunk, best.sentence
    citation = Citation(
        chunk.heading,
        document_id=chunk.document_id,
        first_line=sentence.first_line,
        last_line=sentence.last_line,
        content_hash=chunk.content_hash,
    )
    return [(f"A runbook, {chunk.heading}: {_quote(sentence.text)}", citation)]


async def _quote_similar_incident(context: Context, incident: IncidentRecord) -> list[Source]:
    similar = await find_similar_incidents(context, incident, MAX_SIMILAR)
    best = _first_with_resolution(similar)
    if best is None:
        return []
    other = best.incident
    seconds = best.seconds_to_resolve
    time = "" if seconds is None else f" after {describe_duration(seconds)}"
    text = (
        f"A similar incident, {other.number} {_quote(other.title)} It was resolved{time}: {_describe_resolution(other)}"
    )
    return [(text, _cite(other))]


def _first_with_resolution(similar: Iterable[SimilarIncident]) -> SimilarIncident | None:
    """Return the best one that says how it was resolved and has words or items in common: neighbours are too little."""
    for each in similar:
        if (each.incident.resolution or each.incident.resolution_code) and (each.text_rank or each.shared_item_ids):
            return each
    return None


def _cite(incident: IncidentRecord) -> Citation:
    return Citation(incident.number, incident_id=incident.id, incident_version=incident.version)


def describe_duration(seconds: float) -> str:
    """Return a number of seconds in days, hours or minutes, whichever is the greatest whole unit: '2 hours'."""
    for unit, name in UNITS:
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count:,} {name}{'' if count == 1 else 's'}"
    return "less than a minute"


def _describe_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _describe_resolution(incident: IncidentRecord) -> str:
    code = f"{_quote(incident.resolution_code)} " if incident.resolution_code else ""
    return f"{code}{_quote(incident.resolution)}".strip()


def _quote(text: str) -> str:
    """Return a text in one line that ends as a sentence does, cut at a word if it is long."""
    line = " ".join(text.split())
    if len(line) > MAX_QUOTE:
        return f"{line[:MAX_QUOTE].rsplit(' ', 1)[0]} …"
    return line if not line or line[-1] in ".!?" else f"{line}."


def _words(state: str) -> str:
    return state.lower().replace("_", " ")
