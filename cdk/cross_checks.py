"""Rules across the values of an environment file: regions, ranges, capacities, zones, endpoints, edge, instances."""

from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Network

from cdk import service_settings
from cdk.connections import ConnectionDemand, connection_demand
from cdk.environment import AdoptedEnvironment, Distribution, Environment, NewEnvironment
from cdk.models import profile_ids, regions_of, unlisted_ids
from cdk.tables import AdoptedKnowledge, AdoptedNetwork, NewAurora, NewNeptune

# Prefixes of regions without SnapStart; the last four are separate partitions.
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
WITHOUT_SNAP_START = ("ap-east-2", "ap-southeast-6", "cn-", "eusc-", "us-gov-", "us-iso")
# The AWS names of interface endpoints that functions may use.
ENDPOINTS = (
    "secretsmanager", "sqs", "bedrock-runtime", "bedrock-agent-runtime", "bedrock-agent", "kms", "xray", "logs",
    "monitoring",
)  # fmt: skip
# The command for the address ranges of a VPC.
RANGES_COMMAND = (
    "aws ec2 describe-vpcs --vpc-ids {vpc} --query 'Vpcs[0].CidrBlockAssociationSet[].CidrBlock' --output text"
)


def find_faults(environment: Environment, left_open: tuple[str, ...]) -> list[str]:
    """Return the faults, each with its key and the remedy. Keys in `left_open` have placeholders, not checked."""
    by_mode = (
        [*_secrets(environment, left_open), *_hosts(environment, left_open), *_ranges(environment)]
        if isinstance(environment, AdoptedEnvironment)
        else [*_capacities(environment), *_range(environment), *_vectors(environment)]
    )
    return [
        *by_mode,
        *_zones(environment),
        *_endpoints(environment),
        *_edge(environment),
        *_start(environment),
        *_models(environment),
        *service_settings.find_faults(environment.functions.settings),
        *(fault for each in connection_demand(environment) if (fault := _check_demand(each))),
    ]


def _zones(environment: Environment) -> list[str]:
    if isinstance(environment, AdoptedEnvironment):
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
            f" {RANGES_COMMAND.format(vpc=network.vpc_id)}"
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


def _models(environment: Environment) -> Iterator[str]:
    profiles, region = profile_ids(environment.models.allowed), environment.region
    for each in unlisted_ids(environment.models.allowed):
        yield f"models.allowed: the regions of {each} are not in cdk/models.py; add them, or write its us. profile"
    if elsewhere := [each for each in profiles if region not in regions_of(each)]:
        yield f"models.allowed: {', '.join(elsewhere)}: not called from {region}; name profiles of this region"
    if environment.knowledge is not None and not profiles:
        yield "knowledge: no model of models.allowed writes answers from it; allow one, or remove [knowledge]"
    if isinstance(environment.knowledge, AdoptedKnowledge):
        missing = [name for name in ("bucket", "data_source_id") if getattr(environment.knowledge, name) is None]
        if len(missing) == 1:
            yield f"knowledge.{missing[0]}: missing; documents are published with both keys, or with none of them"
    generation = environment.functions.settings.get("BEDROCK_GENERATION")
    if generation == "retrieve-and-generate" and environment.knowledge is None:
        yield (
            f"functions.settings.BEDROCK_GENERATION: {generation} needs a knowledge base; add [knowledge], or write"
            " converse"
        )


def _check_demand(each: ConnectionDemand) -> str | None:
    if each.required <= each.allowed:
        return None
    return (
        f"functions.concurrency: up to {each.required} connections to aurora.{each.database}, which serves"
        f" {each.allowed} of its {each.max_connections} to functions; lower functions.concurrency or"
        " functions.connections, or give the cluster more capacity"
    )


def _secrets(environment: AdoptedEnvironment, left_open: tuple[str, ...]) -> Iterator[str]:
    secrets = {
        "aurora.main.secret_arn": environment.aurora.main.secret_arn,
        "aurora.requirements.secret_arn": environment.aurora.requirements.secret_arn,
        "redis.secret_arn": environment.redis.secret_arn,
    }
    for key, arn in secrets.items():
        region, account = arn.split(":")[3:5]
        if key in left_open:
            continue
        if region != environment.region:
            yield (
                f"{key}: lies in {region}, the functions in {environment.region};"
                " replicate the secret there and name that one"
            )
        if account != environment.account and "account" not in left_open:
            yield (
                f"{key}: belongs to account {account}, not {environment.account};"
                " functions read those of their own account alone"
            )


def _hosts(environment: AdoptedEnvironment, left_open: tuple[str, ...]) -> Iterator[str]:
    hosts = {
        "aurora.main.host": environment.aurora.main.host,
        "aurora.requirements.host": environment.aurora.requirements.host,
        "neptune.host": environment.neptune.host,
        "neptune.reader_host": environment.neptune.reader_host,
    }
    for key, host in hosts.items():
        # A custom host name may belong to a cluster in any region.
        if key not in left_open and host.endswith(".amazonaws.com") and environment.region not in host.split("."):
            yield f"{key}: {host} lies in another region than {environment.region}; name the cluster of this one"


def _ranges(environment: AdoptedEnvironment) -> Iterator[str]:
    for each in environment.network.ranges:
        try:
            IPv4Network(each)
        except ValueError as error:
            yield f"network.ranges: {error}; write the ranges as AWS shows them"


def _capacities(environment: NewEnvironment) -> Iterator[str]:
    clusters: dict[str, NewAurora | NewNeptune] = {
        "aurora.main": environment.aurora.main,
        "aurora.requirements": environment.aurora.requirements,
        "neptune": environment.neptune,
    }
    for key, each in clusters.items():
        if each.min_capacity > each.max_capacity:
            yield (
                f"{key}.min_capacity: {each.min_capacity:g} is over {key}.max_capacity, {each.max_capacity:g};"
                " lower the one or raise the other"
            )


def _range(environment: NewEnvironment) -> Iterator[str]:
    try:
        IPv4Network(environment.network.cidr)
    except AddressValueError:
        yield f"network.cidr: {environment.network.cidr} is no range; each of its numbers is 255 at most"


def _vectors(environment: NewEnvironment) -> Iterator[str]:
    knowledge = environment.knowledge
    if knowledge is not None and knowledge.store == "opensearch-serverless" and knowledge.collection is None:
        yield "knowledge.collection: missing; name the collection of OpenSearch Serverless"
    if knowledge is not None and knowledge.store == "s3-vectors" and knowledge.collection is not None:
        yield "knowledge.collection: S3 Vectors has none; remove it"
