"""Names that two environments, or two parts of one, would both take: of which an account, a region, or AWS has one."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cdk.inputs import dead_letters
from cdk.keys import OPEN_MARK, fill_placeholders


class ResourceName(NamedTuple):
    """A name that a file makes, the key that gives it, and where there is one of it."""

    key: str
    kind: str
    where: tuple[str, ...]
    name: str


# Aurora and Neptune name their clusters in one space.
# https://docs.aws.amazon.com/neptune/latest/userguide/limits.html
_CLUSTERS = ("aurora.main.identifier", "aurora.requirements.identifier", "neptune.identifier")
_QUEUES = ("queues.events", "queues.remediation_p1", "queues.remediation_standard", "queues.notifications")
_CREATED_KINDS = {
    **dict.fromkeys(_CLUSTERS, "cluster"),
    **dict.fromkeys(_QUEUES, "queue"),
    "redis.identifier": "replication group",
    "knowledge.collection": "collection",
    "findings_topic": "topic",
}
# AWS keeps these in small letters.
CASE_INSENSITIVE_KINDS = {"cluster", "replication group"}


def resource_names(table: Mapping[str, Any]) -> Iterator[ResourceName]:
    """What the templates of a file give a name. A name that is left open is none yet; what is adopted, is not made."""
    given = fill_placeholders(table)
    account, region = str(given.get("account")), str(given.get("region"))
    keys = {"functions.name": "function"} | (_CREATED_KINDS if given.get("mode") == "create" else {})
    for key, kind in keys.items():
        name = _value(table, key)
        if name:
            yield ResourceName(key, kind, (account, region), name.lower() if kind in CASE_INSENSITIVE_KINDS else name)
        if name and kind == "queue":
            yield ResourceName(key, kind, (account, region), dead_letters(name))
    firewall = _value(table, "edge.firewall")
    if firewall and not _value(given, "edge.firewall_arn"):
        yield ResourceName("edge.firewall", "firewall", (account,), firewall)
    for face in ("docs", "app", "api"):
        domain = _value(table, f"edge.distributions.{face}.domain")
        # One distribution of all that AWS has answers for a domain.
        if domain and not _value(given, f"edge.distributions.{face}.id"):
            yield ResourceName(f"edge.distributions.{face}.domain", "domain", (), domain)


def find_collisions(table: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a file takes twice, and what others, by their names, take too. Each with its key and the remedy."""
    own: dict[tuple[object, ...], str] = {}
    faults = []
    for each in resource_names(table):
        if each[1:] in own:
            faults.append(f"{each.key}: {own[each[1:]]} takes the {each.kind} {each.name} too; name another")
        own[each[1:]] = each.key
    for file, other in others.items():
        for each in resource_names(other):
            if each[1:] in own:
                place = (
                    " in one account and region" if len(each.where) == 2 else " in one account" if each.where else ""
                )
                faults.append(f"{own[each[1:]]}: {file} takes the {each.kind} {each.name} too{place}; name another")
    # A queue and its dead letters collide by one key.
    return list(dict.fromkeys(faults))


def _value(table: Mapping[str, Any], key: str) -> str | None:
    found: Any = table
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) and found != OPEN_MARK else None
