"""Modules that are imported lazily, and a function that imports all of them before a SnapStart snapshot."""

from importlib import import_module

# By name, so that no entry point depends on them: a laptop does not use half of them. In order: tables, Gremlin,
# Redis, AWS, Bedrock, sentences of answers, expressions of workflows.
MODULES = (
    "datasources.aurora.registry",
    "datasources.graph.gremlin.factory",
    "datasources.graph.gremlin.client.signing",
    "datasources.cache.redis.adapter",
    "boto3",
    "boto3.session",
    "botocore.config",
    "botocore.exceptions",
    "datasources.queues.sqs.queue",
    "botocore.eventstream",
    "urllib3.exceptions",
    "datasources.language.bedrock.adapter",
    "datasources.language.bedrock.client",
    "datasources.language.bedrock.connections",
    "datasources.language.bedrock.knowledge_base",
    "resolvers.answers.plain_text",
    "resolvers.answers.sentences",
    "resolvers.workflows.expressions.budget",
    "resolvers.workflows.expressions.syntax_tree",
    "resolvers.workflows.expressions.values",
)


def import_all() -> None:
    """Import all lazy modules, whatever the settings use."""
    for name in MODULES:
        import_module(name)
