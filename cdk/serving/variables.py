"""The variables of each function: those that settings read, and where the secrets stand that it may read."""

from urllib.parse import quote

from cdk.connections import WORKER_CONNECTIONS
from cdk.environment import Environment
from cdk.inputs import Database, StackInputs
from cdk.service_settings import as_variables

# Where the bundle carries the certificates of RDS, Neptune's and ElastiCache's being those of the system.
# https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
CERTIFICATES = "/var/task/certificates/rds-global-bundle.pem"

# The role that functions take in both databases; the function of migrations makes it and grants it rds_iam.
ROLE = "stackflow_api"

# Seconds between the deadline of a request and the gateway's: to answer what there is, and to travel.
DEADLINE_MARGIN_SECONDS = 4
# Seconds that a statement may take inside a request, at most.
MAX_STATEMENT_SECONDS = 20


def shared(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """What every function that opens the stores gets: no password, by IAM and TLS."""
    return as_variables(environment.functions.settings) | {
        # Its lines of logs hold metrics, which are of this environment.
        "STACKFLOW_METRICS": "emf",
        "STACKFLOW_TRACES": "xray",
        "STACKFLOW_ENVIRONMENT": environment.name,
        "DATABASE_URL": database_url(facts.main, ROLE),
        "REQUIREMENTS_URL": database_url(facts.requirements, ROLE),
        "DATABASE_IAM": "on",
        "DATABASE_POOL_MAX": str(environment.functions.connections),
        "REDIS_URL": f"rediss://{facts.cache.host}:6379/0",
        "REDIS_SECRET": facts.cache.secret.secret_arn,
        "GRAPH_URL": f"wss://{facts.graph.host}:8182/gremlin",
        "GRAPH_READER_URL": f"wss://{facts.graph.reader_host}:8182/gremlin",
        "GRAPH_IAM": "on",
    }


def api(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """The API also knows who calls, where events go, and its deadline."""
    return shared(environment, facts) | {
        "OIDC_ISSUER": environment.access.issuer,
        "OIDC_AUDIENCE": environment.access.audience,
        "REQUEST_TIMEOUT_SECONDS": str(deadline(environment)),
        "DATABASE_STATEMENT_TIMEOUT_SECONDS": str(min(MAX_STATEMENT_SECONDS, deadline(environment))),
        "EVENTS_QUEUE_URL": facts.queues.events.queue.queue_url,
    }


def worker(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Workers open fewer connections: one batch at a time."""
    return shared(environment, facts) | {"DATABASE_POOL_MAX": str(WORKER_CONNECTIONS)}


def events(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """The worker of events also says when what failed comes again."""
    return worker(environment, facts) | {"EVENTS_QUEUE_URL": facts.queues.events.queue.queue_url}


def workflows(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Workflows send steps and notices."""
    return worker(environment, facts) | {
        "REMEDIATION_P1_QUEUE_URL": facts.queues.remediation_p1.queue.queue_url,
        "REMEDIATION_STANDARD_QUEUE_URL": facts.queues.remediation_standard.queue.queue_url,
        "NOTIFICATIONS_QUEUE_URL": facts.queues.notifications.queue.queue_url,
    }


def migrations(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Migrations come as the owner, by the secrets that no other function reads; neither cache nor graph."""
    return as_variables(environment.functions.settings) | {
        "DATABASE_URL": database_url(facts.main),
        "DATABASE_SECRET": facts.main.secret.secret_arn,
        "REQUIREMENTS_URL": database_url(facts.requirements),
        "REQUIREMENTS_SECRET": facts.requirements.secret.secret_arn,
        "DATABASE_ROLE": ROLE,
        "REDIS_URL": "off",
    }


def database_url(database: Database, role: str | None = None) -> str:
    """A libpq URL without a password that takes no certificate but RDS's own. Without a role, the secret names it."""
    user = f"{role}@" if role else ""
    return (
        f"postgresql://{user}{database.host}:5432/{database.name}"
        f"?sslmode=verify-full&sslrootcert={quote(CERTIFICATES, safe='/')}"
    )


def deadline(environment: Environment) -> int:
    """Seconds of a request: the gateway hangs up after its own, whatever the function may take."""
    functions = environment.functions
    return min(functions.gateway_seconds, functions.timeout_seconds) - DEADLINE_MARGIN_SECONDS
