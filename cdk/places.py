"""Whether what a file names lies in its account and region, and whether its ranges are ranges."""

from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Network

from cdk.environment import Adopt, Create, Environment, MadeAurora, MadeNeptune


def places(environment: Environment, left_open: tuple[str, ...]) -> list[str]:
    """What is wrong, each with its key and the remedy. Keys that are left open hold stand-ins, which lie anywhere."""
    if isinstance(environment, Adopt):
        return [*_secrets(environment, left_open), *_hosts(environment, left_open), *_ranges(environment)]
    return [*_capacities(environment), *_range(environment)]


def _secrets(environment: Adopt, left_open: tuple[str, ...]) -> Iterator[str]:
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


def _hosts(environment: Adopt, left_open: tuple[str, ...]) -> Iterator[str]:
    hosts = {
        "aurora.main.host": environment.aurora.main.host,
        "aurora.requirements.host": environment.aurora.requirements.host,
        "neptune.host": environment.neptune.host,
        "neptune.reader_host": environment.neptune.reader_host,
    }
    for key, host in hosts.items():
        # A name of one's own may stand for any cluster.
        if key not in left_open and host.endswith(".amazonaws.com") and environment.region not in host.split("."):
            yield f"{key}: {host} lies in another region than {environment.region}; name the cluster of this one"


def _ranges(environment: Adopt) -> Iterator[str]:
    for each in environment.network.ranges:
        try:
            IPv4Network(each)
        except ValueError as error:
            yield f"network.ranges: {error}; write the ranges as AWS shows them"


def _capacities(environment: Create) -> Iterator[str]:
    clusters: dict[str, MadeAurora | MadeNeptune] = {
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


def _range(environment: Create) -> Iterator[str]:
    try:
        IPv4Network(environment.network.cidr)
    except AddressValueError:
        yield f"network.cidr: {environment.network.cidr} is no range; each of its numbers is 255 at most"
