"""The environment variables of each function: the settings it reads, and the ARNs of its secrets."""

from collections.abc import Mapping
from urllib.parse import quote

from cdk.connections import WORKER_CONNECTIONS
from cdk.environment import Environment
from cdk.inputs import Database, StackInputs
from cdk.models import profile_ids
from cdk.service_settings import as_variables

# The path of RDS's certificates in the bundle; those of Neptune and ElastiCache are in the system's trust store.
# https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
CERTIFICATES = "/var/task/certificates/rds-global-bundle.pem"

# The database role of functions; the migrations create it and grant it rds_iam.
ROLE = "stackflow_api"

# Seconds between the deadline of a request and that of the gateway, to send the answer.
DEADLINE_MARGIN_SECONDS = 4
# The maximum time of a statement within a request, in seconds.
MAX_STATEMENT_SECONDS = 20


def shared(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Return the variables of every function that opens the stores: by IAM and TLS, without passwords."""
    return as_variables(environment.functions.settings) | {
        # Its log lines contain metrics of this environment.
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


def api(environment: Environment, facts: StackInputs, own_profiles: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the API: also the issuer, the events queue, the deadlines and the language models.

    `own_profiles` are ARNs of application inference profiles by the model's id.
    """
    return (
        shared(environment, facts)
        | _language(environment, facts, own_profiles)
        | {
            "OIDC_ISSUER": environment.access.issuer,
            "OIDC_AUDIENCE": environment.access.audience,
            "REQUEST_TIMEOUT_SECONDS": str(deadline(environment)),
            "DATABASE_STATEMENT_TIMEOUT_SECONDS": str(min(MAX_STATEMENT_SECONDS, deadline(environment))),
            "EVENTS_QUEUE_URL": facts.queues.events.queue.queue_url,
        }
    )


def _language(environment: Environment, facts: StackInputs, own_profiles: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of language models, none if no model of the file writes text."""
    if not profile_ids(environment.models.allowed):
        return {}
    found = {"LANGUAGE": "bedrock", "AI_USD_A_DAY": f"{environment.models.usd_a_day:g}"}
    if facts.knowledge is not None:
        found["KNOWLEDGE_BASE_ID"] = facts.knowledge
    if own_profiles:
        found["BEDROCK_PROFILES"] = ",".join(f"{model}={arn}" for model, arn in own_profiles.items())
    return found


def worker(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Return the variables of a worker, which opens fewer connections: it processes one batch at a time."""
    return shared(environment, facts) | {"DATABASE_POOL_MAX": str(WORKER_CONNECTIONS)}


def projector(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Return the variables of the projector, which also publishes documents if there is a bucket for them."""
    found = worker(environment, facts)
    if facts.knowledge is not None and facts.publication is not None:
        found |= {
            "KNOWLEDGE_BASE_ID": facts.knowledge,
            "KNOWLEDGE_BUCKET": facts.publication.bucket,
            "KNOWLEDGE_DATA_SOURCE_ID": facts.publication.data_source,
        }
    return found


def events(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Return the variables of the events worker, which also changes the visibility of failed messages."""
    return worker(environment, facts) | {"EVENTS_QUEUE_URL": facts.queues.events.queue.queue_url}


def workflows(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Return the variables of the workflows worker, which sends steps and notifications."""
    return worker(environment, facts) | {
        "REMEDIATION_P1_QUEUE_URL": facts.queues.remediation_p1.queue.queue_url,
        "REMEDIATION_STANDARD_QUEUE_URL": facts.queues.remediation_standard.queue.queue_url,
        "NOTIFICATIONS_QUEUE_URL": facts.queues.notifications.queue.queue_url,
    }


def migrations(environment: Environment, facts: StackInputs) -> dict[str, str]:
    """Return the variables of migrations, which connect as the owner, by their own secrets, without cache and graph."""
    return as_variables(environment.functions.settings) | {
        "DATABASE_URL": database_url(facts.main),
        "DATABASE_SECRET": facts.main.secret.secret_arn,
        "REQUIREMENTS_URL": database_url(facts.requirements),
        "REQUIREMENTS_SECRET": facts.requirements.secret.secret_arn,
        "DATABASE_ROLE": ROLE,
        "REDIS_URL": "off",
    }


def database_url(database: Database, role: str | None = None) -> str:
    """Return a libpq URL without a password that trusts only RDS's certificates. Without a role, the secret has it."""
    user = f"{role}@" if role else ""
    return (
        f"postgresql://{user}{database.host}:5432/{database.name}"
        f"?sslmode=verify-full&sslrootcert={quote(CERTIFICATES, safe='/')}"
    )


def deadline(environment: Environment) -> int:
    """Return the seconds of a request: the gateway's timeout ends it, regardless of the function's."""
    functions = environment.functions
    return min(functions.gateway_seconds, functions.timeout_seconds) - DEADLINE_MARGIN_SECONDS
