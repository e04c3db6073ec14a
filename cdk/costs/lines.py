"""What an environment's templates make, as quantities that are paid for by the month, whether or not anybody calls."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cdk.costs.prices import Price, node
from cdk.environment import Create, Environment, MadeAurora, MadeNetwork

# AWS's month.
HOURS = 730
# A cluster has a writer and a reader of its size, a replication group two nodes.
INSTANCES = 2
# At the least, for indexing and for search, each once more as standby. It grows by itself, up to the account's limit.
OCU = 2
RULES = 4
# Those that do not watch one model each; tests/cdk/test_cost.py holds the numbers to the templates.
ALARMS = 55
ANOMALY_ALARMS = 1
# Of docs/observability.md, two of each trusted operation, and one of the API's version.
METRICS = 33
MILLION = 1_000_000
SECONDS = HOURS * 3_600


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is paid for: `idle` and `busy` are units in a month, at the least and the largest capacity."""

    what: str
    count: str
    price: str
    idle: float
    busy: float


@dataclass(frozen=True, slots=True)
class Paid:
    """A line with its price and what it comes to, in US dollars a month."""

    line: Line
    price: Price
    idle: float
    busy: float


def paid(environment: Environment, listed: Mapping[str, Price]) -> list[Paid]:
    """All that is paid for before anybody calls. UnknownPriceError for a node type without a price."""
    if isinstance(environment, Create):
        node(listed, environment.redis.node_type)
    return [
        Paid(line, listed[line.price], listed[line.price].of(line.idle), listed[line.price].of(line.busy))
        for line in lines(environment)
    ]


def lines(environment: Environment) -> Iterator[Line]:
    """What is made. Of an adopting environment these are the few things that it adds."""
    if isinstance(environment, Create):
        yield from _stores(environment)
    yield from _network(environment)
    yield from _edge(environment)
    yield from _watch(environment)
    functions = environment.functions
    if functions.snap_start:
        size = functions.memory_mb / 1_024 * SECONDS / MILLION
        yield Line("Snapshot of the API", f"{functions.memory_mb:,} MB", "snapshot-cached", size, size)


def _stores(environment: Create) -> Iterator[Line]:
    aurora, neptune = environment.aurora, environment.neptune
    yield _capacity("Aurora, main", "ACU", "aurora-acu", aurora.main)
    yield _capacity("Aurora, requirements", "ACU", "aurora-acu", aurora.requirements)
    least, most = neptune.min_capacity, neptune.max_capacity
    yield Line("Neptune", _range(least, most, "NCU"), "neptune-ncu", *_hours(INSTANCES * least, INSTANCES * most))
    yield Line("Redis", f"2 x {environment.redis.node_type}", environment.redis.node_type, *_hours(INSTANCES))
    if environment.knowledge:
        yield Line("OpenSearch Serverless", f"{OCU} OCU at least", "opensearch-ocu", *_hours(OCU))
    yield Line("Key", "1", "key", 1, 1)


def _capacity(what: str, unit: str, price: str, cluster: MadeAurora) -> Line:
    least, most = cluster.min_capacity, cluster.max_capacity
    return Line(what, _range(least, most, unit), price, *_hours(INSTANCES * least, INSTANCES * most))


def _network(environment: Environment) -> Iterator[Line]:
    network = environment.network
    if isinstance(network, MadeNetwork):
        zones, gateways = len(network.zones), network.nat_gateways
        yield Line("NAT gateways", f"{gateways}", "nat-hour", *_hours(gateways))
        yield Line("Their addresses", f"{gateways}", "ipv4-hour", *_hours(gateways))
    else:
        zones = len(network.private_subnets)
    if network.endpoints:
        count = len(network.endpoints)
        yield Line("Interface endpoints", f"{count} in {zones} zones", "endpoint-hour", *_hours(count * zones))


def _edge(environment: Environment) -> Iterator[Line]:
    # Redis's token, and RDS keeps the owner of each cluster. The origin's, and for a while the one before it.
    secrets = (3 if isinstance(environment, Create) else 0) + min(2, environment.edge.origin_secret)
    yield Line("Secrets", f"{secrets}", "secret", secrets, secrets)
    firewalls = 1 if environment.edge.firewall_arn else 2
    yield Line("Firewalls", f"{firewalls}", "firewall", firewalls, firewalls)
    yield Line("Their rules", f"{firewalls} x {RULES}", "firewall-rule", firewalls * RULES, firewalls * RULES)


def _watch(environment: Environment) -> Iterator[Line]:
    by_anomaly = ANOMALY_ALARMS + len(environment.models.allowed)
    yield Line("Alarms", f"{ALARMS}", "alarm", ALARMS, ALARMS)
    yield Line("Alarms by anomaly", f"{by_anomaly}", "alarm-anomaly", by_anomaly, by_anomaly)
    yield Line("Dashboard", "1", "dashboard", 1, 1)
    yield Line("Metrics of ours", f"{METRICS}", "metric", METRICS, METRICS)


def _range(least: float, most: float, unit: str) -> str:
    return f"{INSTANCES} x {least:g} to {most:g} {unit}"


def _hours(idle: float, busy: float | None = None) -> tuple[float, float]:
    return idle * HOURS, (idle if busy is None else busy) * HOURS
