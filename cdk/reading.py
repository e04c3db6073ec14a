"""An environment file is read and held to its rules; what is wrong is said with its key and the remedy."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cdk import keys, service_settings
from cdk.collisions import collisions
from cdk.connections import Demand, demand
from cdk.environment import Adopt, AdoptedNetwork, Distribution, Environment
from cdk.placeholders import filled, left_open
from cdk.places import places

# Regions without SnapStart, by how they begin; the last four are partitions of their own.
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
WITHOUT_SNAP_START = ("ap-east-2", "ap-southeast-6", "cn-", "eusc-", "us-gov-", "us-iso")
# What AWS names interface endpoints of, as far as the functions call it.
ENDPOINTS = ("secretsmanager", "sqs", "bedrock-runtime", "bedrock-agent-runtime", "kms", "xray", "logs", "monitoring")
# The addresses of a VPC.
RANGES = "aws ec2 describe-vpcs --vpc-ids {vpc} --query 'Vpcs[0].CidrBlockAssociationSet[].CidrBlock' --output text"


class EnvironmentFileError(Exception):
    """An environment file cannot be used. The message names the file, the key and the remedy."""


@dataclass(frozen=True, slots=True)
class Read:
    """An environment and the keys of its file that are still `?`, in the order of the file."""

    environment: Environment
    open: tuple[str, ...]


def read(path: Path) -> Read:
    """The environment that a file describes. EnvironmentFileError names what is wrong with it, all faults at once."""
    table = _table(path)
    given = filled(table)
    wrong = keys.faults(given)
    if wrong:
        raise EnvironmentFileError("\n".join(f"{path}: {fault}" for fault in wrong))
    environment: Environment = msgspec.convert(given, Environment)
    open_ = tuple(left_open(table))
    faults = [*_rules(environment), *places(environment, open_), *_beside(path, environment, table)]
    if faults:
        raise EnvironmentFileError("\n".join(f"{path}: {fault}" for fault in faults))
    return Read(environment, open_)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise EnvironmentFileError(f"{path}: no such file; name one of cdk/environments") from error
    except tomllib.TOMLDecodeError as error:
        raise EnvironmentFileError(f"{path}: not TOML: {error}") from error


def _rules(environment: Environment) -> list[str]:
    return [
        *_zones(environment),
        *_endpoints(environment),
        *_edge(environment),
        *_start(environment),
        *service_settings.faults(environment.functions.settings),
        *(fault for each in demand(environment) if (fault := _crowded(each))),
    ]


def _zones(environment: Environment) -> list[str]:
    if isinstance(environment, Adopt):
        key, zones = "network.private_subnets", list(environment.network.private_subnets)
        subnets = list(environment.network.private_subnets.values())
        twice = {each for each in subnets if subnets.count(each) > 1}
        if twice:
            return [f"{key}: {', '.join(sorted(twice))} stands in two zones; a subnet lies in one"]
    else:
        key, zones = "network.zones", environment.network.zones
    region = environment.region
    faults = [
        f"{key}: {zone} is no zone of {region}; name the zone that `aws ec2 describe-subnets` shows"
        for zone in zones
        if zone[:-1] != region
    ]
    if len(set(zones)) < 2:
        faults.append(f"{key}: two zones are needed for Multi-AZ; there is {len(set(zones))}")
    return faults


def _endpoints(environment: Environment) -> list[str]:
    network = environment.network
    faults = (
        [
            "network.ranges: missing; endpoints answer for the names of AWS in the whole VPC, so write its ranges:"
            f" {RANGES.format(vpc=network.vpc_id)}"
        ]
        if isinstance(network, AdoptedNetwork) and network.endpoints and not network.ranges
        else []
    )
    return faults + [
        f"network.endpoints: {each!r} is none that the functions need; write some of {', '.join(ENDPOINTS)}"
        for each in network.endpoints
        if each not in ENDPOINTS
    ]


def _edge(environment: Environment) -> list[str]:
    edge = environment.edge
    faults = []
    if edge.region != "us-east-1":
        faults.append(
            f"edge.region: {edge.region}; CloudFront takes firewalls and certificates from us-east-1 alone: write that"
        )
    faces = {"docs": edge.distributions.docs, "app": edge.distributions.app, "api": edge.distributions.api}
    for name, face in faces.items():
        fault = _face(face)
        if fault:
            faults.append(f"edge.distributions.{name}.{fault}")
    return faults


def _face(face: Distribution) -> str | None:
    if face.id is None and face.certificate_arn is None:
        return "certificate_arn: missing; give the certificate of the domain, or the id of a distribution to adopt"
    if face.id is not None and face.certificate_arn is not None:
        return "certificate_arn: an adopted distribution keeps its own; remove it"
    return None


def _start(environment: Environment) -> list[str]:
    functions = environment.functions
    faults = []
    if functions.snap_start and functions.provisioned:
        faults.append(
            "functions.snap_start: not with functions.provisioned, AWS refuses both on one version; write false, or"
            " drop the other"
        )
    if functions.snap_start and environment.region.startswith(WITHOUT_SNAP_START):
        faults.append(f"functions.snap_start: there is none in {environment.region}; write false")
    if functions.provisioned > functions.concurrency:
        faults.append(f"functions.provisioned: more than functions.concurrency, {functions.concurrency}; lower it")
    return faults


def _crowded(each: Demand) -> str | None:
    if each.wanted <= each.allowed:
        return None
    return (
        f"functions.concurrency: up to {each.wanted} connections to aurora.{each.database}, which serves {each.allowed}"
        f" of its {each.most} to functions; lower functions.concurrency or functions.connections,"
        " or give the cluster more capacity"
    )


def _beside(path: Path, environment: Environment, table: dict[str, Any]) -> list[str]:
    """What this file may not share with those beside it: its name, and what its templates give a name."""
    others = {other.name: _table(other) for other in sorted(path.parent.glob("*.toml")) if other.name != path.name}
    faults = [
        f"name: {other} is called {environment.name} too; each needs a name of its own"
        for other, found in others.items()
        if found.get("name") == environment.name
    ]
    faults += collisions(table, others)
    if path.stem != environment.name:
        faults.append(f"name: {environment.name!r} in {path.name}; a file is called as its environment, rename either")
    return faults
