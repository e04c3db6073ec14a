"""Writes of alerts: statements inside a transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements

_STATEMENTS = "alerts/writes"

# Firing alerts are counted up to this number, so that an end has the same cost for every size of incident.
MAX_COUNTED = 1_000


class AlertGroup(NamedTuple):
    """Alerts of which one receiver is notified together, by the digest of their group key."""

    receiver: str
    digest: str


class Firing(NamedTuple):
    """One firing of one alert."""

    receiver: str
    fingerprint: str
    starts_at: datetime


class AlertSummary(NamedTuple):
    """The alerts of an incident: how many fire, up to MAX_COUNTED, and when the last of the others ended."""

    firing: int
    last_end: datetime | None


class AlertItem(NamedTuple):
    """The item that an alert is about, and the team that owns it."""

    id: str
    team_id: str | None


async def lock_group(transaction: Transaction, group: AlertGroup, group_key: str) -> str | None:
    """Lock the group until the transaction ends; return the incident of its newest alerts."""
    bound = group._asdict() | {"group_key": group_key}
    [incident_id] = await transaction.fetch(statements(_STATEMENTS)["alert_group_locked"], bound, _incident_id)
    return incident_id


async def set_group_incident(transaction: Transaction, group: AlertGroup, incident_id: str) -> None:
    """Set the incident of the group's newest alerts."""
    await transaction.execute(
        statements(_STATEMENTS)["alert_group_moved"], group._asdict() | {"incident_id": incident_id}
    )


async def write_firing(
    transaction: Transaction,
    firing: Firing,
    group: AlertGroup,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    generator_url: str,
) -> bool:
    """Write a firing. Return False and write nothing if it belongs to an incident already."""
    bound = firing._asdict() | {
        "digest": group.digest,
        "labels": _json(labels),
        "annotations": _json(annotations),
        "generator_url": generator_url,
    }
    return bool(await transaction.fetch(statements(_STATEMENTS)["alert_fired"], bound, bool))


async def write_resolution(
    transaction: Transaction, firing: Firing, group: AlertGroup, labels: Mapping[str, str], ends_at: datetime
) -> None:
    """Write the end of a firing, whether the firing is known or not."""
    bound = firing._asdict() | {"digest": group.digest, "labels": _json(labels), "ends_at": ends_at}
    await transaction.execute(statements(_STATEMENTS)["alert_resolved"], bound)


async def end_firings(transaction: Transaction, firing: Firing, until: datetime) -> list[str]:
    """End the alert's firings between the firing's start and `until`; return the incidents of those that were firing,
    without duplicates."""
    bound = firing._asdict() | {"since": firing.starts_at, "until": until}
    row = KeyedRecord(bool, "incident_id")
    firings = await transaction.fetch(statements(_STATEMENTS)["alerts_settled"], bound, row)
    return sorted({incident_id for incident_id, fired in firings if fired and incident_id is not None})


async def attach_firing(transaction: Transaction, firing: Firing, incident_id: str) -> datetime | None:
    """Attach a firing to this incident; return the time of its end, None while it fires."""
    bound = firing._asdict() | {"incident_id": incident_id}
    [ends_at] = await transaction.fetch(statements(_STATEMENTS)["alert_attached"], bound, _ends_at)
    return ends_at


async def summarize_alerts(transaction: Transaction, incident_id: str) -> AlertSummary:
    """Return the summary of an incident's alerts."""
    bound = {"incident_id": incident_id, "most": MAX_COUNTED}
    [summary] = await transaction.fetch(statements(_STATEMENTS)["alerts_of_incident"], bound, AlertSummary)
    return summary


async def find_item(transaction: Transaction, keys: Sequence[tuple[str, str]]) -> AlertItem | None:
    """Return the item of the first known identification key."""
    bound = {"sources": [source for source, _ in keys], "keys": [key for _, key in keys]}
    rows = await transaction.fetch(statements(_STATEMENTS)["alert_item"], bound, AlertItem)
    return rows[0] if rows else None


def _incident_id(incident_id: str | None) -> str | None:
    return incident_id


def _ends_at(ends_at: datetime | None) -> datetime | None:
    return ends_at


def _json(value: Mapping[str, str]) -> str:
    return msgspec.json.encode(value).decode()
