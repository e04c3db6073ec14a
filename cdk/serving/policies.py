"""The permissions of each function, as narrow as IAM allows."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sqs as sqs

from cdk.environment import Environment
from cdk.inputs import StackInputs
from cdk.serving.variables import ROLE

# Lambda needs these for the network interfaces of instances; none of them supports specific resources.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)

READ_GRAPH = (
    "neptune-db:CancelQuery",
    "neptune-db:GetQueryStatus",
    "neptune-db:ReadDataViaQuery",
    "neptune-db:connect",
)
WRITE_GRAPH = (*READ_GRAPH, "neptune-db:DeleteDataViaQuery", "neptune-db:WriteDataViaQuery")


def allow(sid: str, actions: tuple[str, ...], resources: list[str], **conditions: object) -> iam.PolicyStatement:
    """Create an allowing statement. Conditions are in IAM's notation."""
    return iam.PolicyStatement(sid=sid, actions=list(actions), resources=resources, conditions=conditions or None)


def allow_execution(environment: Environment, name: str) -> list[iam.PolicyStatement]:
    """Return what Lambda itself needs for the function; the function's code is denied the network interfaces."""
    return [
        allow("Interfaces", INTERFACES, ["*"]),
        iam.PolicyStatement(
            sid="InterfacesAreNotForCode",
            effect=iam.Effect.DENY,
            actions=list(INTERFACES),
            resources=["*"],
            conditions={
                "ArnEquals": {
                    "lambda:SourceFunctionArn": [
                        f"arn:aws:lambda:{environment.region}:{environment.account}:function:{name}"
                    ]
                }
            },
        ),
    ]


def allow_stores(
    environment: Environment, facts: StackInputs, graph: tuple[str, ...] = READ_GRAPH
) -> list[iam.PolicyStatement]:
    """Allow both databases as one role, the cache's token, and the graph."""
    here = f"{environment.region}:{environment.account}"
    users = [f"arn:aws:rds-db:{here}:dbuser:{each.resource_id}/{ROLE}" for each in facts.databases()]
    return [
        allow("Databases", ("rds-db:connect",), users),
        allow("Graph", graph, [graph_arn(environment, facts)]),
        *allow_secrets(environment, facts, facts.cache.secret),
    ]


def graph_arn(environment: Environment, facts: StackInputs) -> str:
    """Return the ARN of Neptune's data, which covers a whole cluster."""
    return f"arn:aws:neptune-db:{environment.region}:{environment.account}:{facts.graph.resource_id}/*"


def allow_secrets(environment: Environment, facts: StackInputs, *those: secrets.ISecret) -> list[iam.PolicyStatement]:
    """Allow secrets, and the key that encrypts them."""
    return [
        allow(
            "Secrets", ("secretsmanager:GetSecretValue",), [each.secret_full_arn or each.secret_arn for each in those]
        ),
        _key(environment, facts, "SecretsKey", ("kms:Decrypt",), "secretsmanager"),
    ]


def allow_sending(environment: Environment, facts: StackInputs, *queues: sqs.IQueue) -> list[iam.PolicyStatement]:
    """Allow sending to queues, and the key that encrypts the messages."""
    return [
        allow("Send", ("sqs:SendMessage",), [each.queue_arn for each in queues]),
        _key(environment, facts, "SendKey", ("kms:Decrypt", "kms:GenerateDataKey"), "sqs"),
    ]


def allow_receiving(environment: Environment, facts: StackInputs, queue: sqs.IQueue) -> list[iam.PolicyStatement]:
    """Allow what Lambda's poller needs, with the change of visibility for retries, and the key of the messages.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
    """
    actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
    return [
        allow("Receive", tuple(f"sqs:{each}" for each in actions), [queue.queue_arn]),
        _key(environment, facts, "ReceiveKey", ("kms:Decrypt",), "sqs"),
    ]


def allow_models(environment: Environment, facts: StackInputs) -> list[iam.PolicyStatement]:
    """Allow the models of the file, and the knowledge base if there is one."""
    here = f"{environment.region}:{environment.account}"
    models = [f"arn:aws:bedrock:{environment.region}::foundation-model/{each}" for each in environment.models.allowed]
    statements = [allow("Models", ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"), models)]
    if facts.knowledge is not None:
        base = f"arn:aws:bedrock:{here}:knowledge-base/{facts.knowledge}"
        statements.append(allow("Knowledge", ("bedrock:Retrieve",), [base]))
    return statements


def _key(
    environment: Environment, facts: StackInputs, sid: str, actions: tuple[str, ...], through: str
) -> iam.PolicyStatement:
    via = {"kms:ViaService": f"{through}.{environment.region}.amazonaws.com"}
    return allow(sid, actions, [facts.key.key_arn], StringEquals=via)
