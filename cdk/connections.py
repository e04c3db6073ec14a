"""The maximum number of database connections of all functions, and the limit of a cluster (docs/decisions/0026)."""

from dataclasses import dataclass

from cdk.environment import Environment
from cdk.tables import AdoptedAurora, NewAurora

# The maximum number of instances of a worker, and the connections of each instance to each database.
EVENTS_INSTANCES = 10
SINGLE_INSTANCE = 1
WORKER_CONNECTIONS = 2

# During a rollout, suspended instances of the old version keep their connections open.
VERSIONS_DURING_ROLLOUT = 2

# The maximum percentage of max_connections; the rest is for people, monitoring and AWS's own sessions.
MAX_SHARE_PERCENT = 90

# max_connections of Aurora PostgreSQL serverless v2 by its largest capacity in ACU.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
MAX_CONNECTIONS_BY_ACU = ((32, 5_000), (16, 3_360), (8, 1_669), (4, 823), (1, 189))
# The limit for a minimum capacity of half an ACU or less.
MAX_CONNECTIONS_AT_HALF_ACU = 2_000


@dataclass(frozen=True, slots=True)
class ConnectionDemand:
    """The connections of one database: the number that functions may open, the number allowed, and max_connections."""

    database: str
    required: int
    allowed: int
    max_connections: int


def serverless_max_connections(cluster: NewAurora) -> int:
    """Return max_connections of a new cluster."""
    most = next(connections for least, connections in MAX_CONNECTIONS_BY_ACU if cluster.max_capacity >= least)
    return min(most, MAX_CONNECTIONS_AT_HALF_ACU) if cluster.min_capacity <= 0.5 else most


def connection_demand(environment: Environment) -> list[ConnectionDemand]:
    """Return the demand of both databases, the main one first."""
    clusters: dict[str, AdoptedAurora | NewAurora] = {
        "main": environment.aurora.main,
        "requirements": environment.aurora.requirements,
    }
    return [_demand(environment, name, cluster) for name, cluster in clusters.items()]


def _demand(environment: Environment, name: str, cluster: AdoptedAurora | NewAurora) -> ConnectionDemand:
    functions = environment.functions
    # The events worker, the single-instance workers of both databases and of workflows, and one migration.
    workers = (EVENTS_INSTANCES + 4 * SINGLE_INSTANCE) * WORKER_CONNECTIONS
    required = VERSIONS_DURING_ROLLOUT * (functions.concurrency * functions.connections + workers)
    most = cluster.max_connections if isinstance(cluster, AdoptedAurora) else serverless_max_connections(cluster)
    return ConnectionDemand(name, required, most * MAX_SHARE_PERCENT // 100, most)
