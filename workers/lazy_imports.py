"""What is imported late, since a start may do without it; and all of it at once, for whom it must not wait."""

from importlib import import_module

# By names, as no entry may depend on them: a laptop has no use for half of these. In order of their clients: Gremlin,
# Redis, AWS, expressions of workflows.
MODULES = (
    "datasources.graph.gremlin.factory",
    "datasources.graph.gremlin.client.signing",
    "datasources.cache.redis.adapter",
    "boto3",
    "boto3.session",
    "botocore.config",
    "botocore.exceptions",
    "datasources.queues.sqs.queue",
    "resolvers.workflows.expressions.budget",
    "resolvers.workflows.expressions.syntax_tree",
    "resolvers.workflows.expressions.values",
)


def import_all() -> None:
    """Import all of it, whatever the settings ask for."""
    for name in MODULES:
        import_module(name)
