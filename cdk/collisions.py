"""Finds names that must be unique in an account, a region or AWS, but are used by two environments or twice in one."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cdk.inputs import dead_letters
from cdk.keys import OPEN_MARK, fill_placeholders


class ResourceName(NamedTuple):
    """A name that a file assigns, its key, and the scope within which it must be unique."""

    key: str
    kind: str
    where: tuple[str, ...]
    name: str


# Aurora and Neptune share one namespace of clusters.
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
# AWS converts these names to lower case.
CASE_INSENSITIVE_KINDS = {"cluster", "replication group"}


def resource_names(table: Mapping[str, Any]) -> Iterator[ResourceName]:
    """Yield the names that the templates of a file assign, without open values and adopted resources."""
    filled = fill_placeholders(table)
    account, region = str(filled.get("account")), str(filled.get("region"))
    keys = {"functions.name": "function"} | (_CREATED_KINDS if filled.get("mode") == "create" else {})
    for key, kind in keys.items():
        name = _value(table, key)
        if name:
            yield ResourceName(key, kind, (account, region), name.lower() if kind in CASE_INSENSITIVE_KINDS else name)
        if name and kind == "queue":
            yield ResourceName(key, kind, (account, region), dead_letters(name))
    firewall = _value(table, "edge.firewall")
    if firewall and not _value(filled, "edge.firewall_arn"):
        yield ResourceName("edge.firewall", "firewall", (account,), firewall)
    for face in ("docs", "app", "api"):
        domain = _value(table, f"edge.distributions.{face}.domain")
        # A domain belongs to one distribution in all of AWS.
        if domain and not _value(filled, f"edge.distributions.{face}.id"):
            yield ResourceName(f"edge.distributions.{face}.domain", "domain", (), domain)


def find_collisions(table: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names that a file uses twice or shares with another file, each with its key and the remedy."""
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
    # A queue and its dead-letter queue collide by the same key.
    return list(dict.fromkeys(faults))


def _value(table: Mapping[str, Any], key: str) -> str | None:
    value: Any = table
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) and value != OPEN_MARK else None
