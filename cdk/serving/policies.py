"""The permissions of each function, as narrow as IAM allows."""

from collections.abc import Iterable, Iterator

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sqs as sqs

from cdk.environment import Environment
from cdk.inputs import Publication, StackInputs
from cdk.models import model_of, profile_ids, regions_of
from cdk.serving.variables import ROLE
from cdk.stores.documents import CHUNKS_PREFIX

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
# Converse has no action of its own. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
CALL_MODEL = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
RETRIEVE_AND_GENERATE = "bedrock:RetrieveAndGenerate"

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


def allow_publishing(environment: Environment, facts: StackInputs) -> Iterator[iam.PolicyStatement]:
    """Allow the chunks in the bucket of the knowledge base, and its ingestions; nothing without such a bucket."""
    if facts.knowledge is None or facts.publication is None:
        return
    here = f"{environment.region}:{environment.account}"
    yield allow("Chunks", ("s3:DeleteObject", "s3:PutObject"), [chunks_arn(facts.publication)])
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    yield _key(environment, facts, "ChunksKey", ("kms:GenerateDataKey",), "s3")
    base = f"arn:aws:bedrock:{here}:knowledge-base/{facts.knowledge}"
    yield allow("Ingest", ("bedrock:StartIngestionJob",), [base])


def chunks_arn(publication: Publication) -> str:
    """Return the ARN of all objects that are published."""
    return f"arn:aws:s3:::{publication.bucket}/{CHUNKS_PREFIX}*"


def allow_models(
    environment: Environment, facts: StackInputs, own_profiles: Iterable[str] = ()
) -> Iterator[iam.PolicyStatement]:
    """Allow the models of the file, the knowledge base and the guardrail if there are any, and nothing else of Bedrock.

    `own_profiles` are ARNs of application inference profiles over the models of the file.
    """
    here, settings = f"{environment.region}:{environment.account}", environment.functions.settings
    profiles = profile_ids(environment.models.allowed)
    direct = [_model_arn(environment.region, each) for each in environment.models.allowed if each not in profiles]
    if direct:
        yield allow("Models", CALL_MODEL, direct)
    if profiles:
        arns = [*(f"arn:aws:bedrock:{here}:inference-profile/{each}" for each in profiles), *own_profiles]
        yield allow("Profiles", (*CALL_MODEL, "bedrock:GetInferenceProfile"), arns)
        # A profile passes a call on to the model in any of its regions; the model by itself stays closed.
        # https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
        models = [_model_arn(region, model_of(each)) for each in profiles for region in regions_of(each)]
        yield allow("ProfiledModels", CALL_MODEL, models, StringLike={"bedrock:InferenceProfileArn": arns})
    if facts.knowledge is not None:
        base = f"arn:aws:bedrock:{here}:knowledge-base/{facts.knowledge}"
        yield allow("Knowledge", ("bedrock:Retrieve",), [base])
    if settings.get("BEDROCK_GENERATION") == "retrieve-and-generate":
        # It supports no resource; what it may retrieve and call is in the statements above.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
        yield allow("Generate", (RETRIEVE_AND_GENERATE,), ["*"])
    guardrail = str(settings.get("BEDROCK_GUARDRAIL", "")).partition(":")[0]
    if guardrail:
        yield allow("Guardrail", ("bedrock:ApplyGuardrail",), [f"arn:aws:bedrock:{here}:guardrail/{guardrail}"])


def _model_arn(region: str, model: str) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"


def _key(
    environment: Environment, facts: StackInputs, sid: str, actions: tuple[str, ...], through: str
) -> iam.PolicyStatement:
    via = {"kms:ViaService": f"{through}.{environment.region}.amazonaws.com"}
    return allow(sid, actions, [facts.key.key_arn], StringEquals=via)
