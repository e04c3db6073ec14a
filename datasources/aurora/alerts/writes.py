"""Alerts written: statements inside a transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements

_STATEMENTS = "alerts/writes"

# Alerts that fire are counted up to so many, so that an end costs the same however large its incident is.
MAX_COUNTED = 1_000


class AlertGroup(NamedTuple):
    """Alerts that one receiver is notified of together, by the digest of their group key."""

    receiver: str
    digest: str


class Firing(NamedTuple):
    """One firing of one alert."""

    receiver: str
    fingerprint: str
    starts_at: datetime


class AlertSummary(NamedTuple):
    """How the alerts of an incident stand: how many fire, up to MAX_COUNTED, and when the last of the others ended."""

    firing: int
    last_end: datetime | None


class AlertItem(NamedTuple):
    """An item that an alert is about, and the team that owns it."""

    id: str
    team_id: str | None


async def lock_group(transaction: Transaction, group: AlertGroup, group_key: str) -> str | None:
    """The incident of the group's newest alerts. Other alerts of the group wait until the transaction ends."""
    bound = group._asdict() | {"group_key": group_key}
    [incident_id] = await transaction.fetch(statements(_STATEMENTS)["alert_group_locked"], bound, _optional)
    return incident_id


async def set_group_incident(transaction: Transaction, group: AlertGroup, incident_id: str) -> None:
    """The group's newest alerts belong to this incident."""
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
    """Write a firing. False, and nothing written, if it belongs to an incident already."""
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
    """Write that a firing is over, whether it is known or not."""
    bound = firing._asdict() | {"digest": group.digest, "labels": _json(labels), "ends_at": ends_at}
    await transaction.execute(statements(_STATEMENTS)["alert_resolved"], bound)


async def end_firings(transaction: Transaction, firing: Firing, until: datetime) -> list[str]:
    """Ends of the alert's firings between the firing's start and `until`; the incidents of those that fired till now,
    each once."""
    bound = firing._asdict() | {"since": firing.starts_at, "until": until}
    found = await transaction.fetch(statements(_STATEMENTS)["alerts_settled"], bound, _settled)
    return sorted({incident_id for incident_id, fired in found if fired and incident_id is not None})


async def attach_firing(transaction: Transaction, firing: Firing, incident_id: str) -> datetime | None:
    """Make a firing belong to this incident; when it ended, None while it goes on."""
    bound = firing._asdict() | {"incident_id": incident_id}
    [ends_at] = await transaction.fetch(statements(_STATEMENTS)["alert_attached"], bound, _moment)
    return ends_at


async def summarize_alerts(transaction: Transaction, incident_id: str) -> AlertSummary:
    """How the alerts of an incident stand."""
    bound = {"incident_id": incident_id, "most": MAX_COUNTED}
    [found] = await transaction.fetch(statements(_STATEMENTS)["alerts_of_incident"], bound, AlertSummary)
    return found


async def find_item(transaction: Transaction, keys: Sequence[tuple[str, str]]) -> AlertItem | None:
    """The item of the first of these identification keys that is known."""
    bound = {"sources": [source for source, _ in keys], "keys": [key for _, key in keys]}
    found = await transaction.fetch(statements(_STATEMENTS)["alert_item"], bound, AlertItem)
    return found[0] if found else None


def _optional(value: str | None) -> str | None:
    return value


def _moment(value: datetime | None) -> datetime | None:
    return value


def _settled(incident_id: str | None, fired: bool) -> tuple[str | None, bool]:
    return incident_id, fired


def _json(value: Mapping[str, str]) -> str:
    return msgspec.json.encode(value).decode()
