"""What a file may leave open as `?`: the stand-in by which a template is made all the same, and how to find it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

MARK = "?"

RDS = "aws rds describe-db-clusters --db-cluster-identifier {identifier} --query 'DBClusters[0].{query}' --output text"
QUEUES = "aws sqs list-queues --query QueueUrls --output text    # the name is the last part of its URL"
DEAD = (
    "aws sqs get-queue-attributes --attribute-names RedrivePolicy"
    " --queue-url $(aws sqs get-queue-url --queue-name <queues.{key}> --query QueueUrl --output text)"
    "    # the last part of deadLetterTargetArn; a queue without one is given one first"
)
EDGES = (
    "aws cloudfront list-distributions"
    " --query 'DistributionList.Items[].[Id,Aliases.Items[0],ViewerCertificate.ACMCertificateArn]' --output table"
)
CERTIFICATES = (
    "aws acm list-certificates --region us-east-1 --query 'CertificateSummaryList[].[CertificateArn,DomainName]'"
)
ASK = "ask who runs the issuer of your tokens"


class Placeholder(NamedTuple):
    """What stands in its place, never to be deployed, and the command or question that finds the value."""

    stand_in: object
    find: str


def _secret(name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:373544523367:secret:placeholder/{name}-AAAAAA"


def _aurora(key: str, identifier: str) -> dict[str, Placeholder]:
    return {
        f"aurora.{key}.resource_id": Placeholder(
            f"cluster-PLACEHOLDER{key.upper()}", RDS.format(identifier=identifier, query="DbClusterResourceId")
        ),
        f"aurora.{key}.secret_arn": Placeholder(
            _secret(key),
            RDS.format(identifier=identifier, query="MasterUserSecret.SecretArn")
            + "    # None: its owner's password stands in a secret of your own: aws secretsmanager list-secrets",
        ),
        f"aurora.{key}.max_connections": Placeholder(
            5_000, f"psql -h <host of aurora.{key}> -c 'SHOW max_connections'    # on the writer"
        ),
        f"aurora.{key}.database": Placeholder("placeholder", f"psql -h <host of aurora.{key}> -d postgres -c '\\l'"),
    }


def _distribution(key: str) -> dict[str, Placeholder]:
    return {
        f"edge.distributions.{key}.id": Placeholder(f"EPLACEHOLDER{key.upper()[:3]}", EDGES),
        f"edge.distributions.{key}.domain": Placeholder(
            f"{key}.placeholder.invalid", f"{EDGES}    # for one that is to be made: a domain of yours"
        ),
        f"edge.distributions.{key}.certificate_arn": Placeholder(
            f"arn:aws:acm:us-east-1:373544523367:certificate/placeholder-{key}", CERTIFICATES
        ),
    }


PLACEHOLDERS: Mapping[str, Placeholder] = {
    "account": Placeholder("111111111111", "aws sts get-caller-identity --query Account --output text"),
    "network.endpoints": Placeholder(
        [],
        "aws ec2 describe-vpc-endpoints --filters Name=vpc-id,Values=<network.vpc_id>"
        " --query 'VpcEndpoints[].ServiceName'    # of secretsmanager, sqs, bedrock-runtime, bedrock-agent-runtime,"
        " write those that are missing, or [] where the subnets' default route leads to a NAT gateway",
    ),
    **_aurora("main", "stackflow-main-prod"),
    **_aurora("requirements", "stackflow-req-prod"),
    "neptune.resource_id": Placeholder(
        "cluster-PLACEHOLDERGRAPH",
        "aws neptune describe-db-clusters --db-cluster-identifier stackflow-knowledge-graph"
        " --query 'DBClusters[0].DbClusterResourceId' --output text",
    ),
    "neptune.reader_host": Placeholder(
        "graph-reader.placeholder.invalid",
        "aws neptune describe-db-clusters --db-cluster-identifier stackflow-knowledge-graph"
        " --query 'DBClusters[0].ReaderEndpoint' --output text",
    ),
    "redis.secret_arn": Placeholder(
        _secret("redis"), "aws secretsmanager list-secrets --query 'SecretList[].[Name,ARN]' --output table"
    ),
    "queues.remediation_p1": Placeholder("Placeholder-Remediation-P1", QUEUES),
    "queues.remediation_standard": Placeholder("Placeholder-Remediation-Standard", QUEUES),
    "queues.notifications": Placeholder("Placeholder-Notifications", QUEUES),
    **{
        f"queues.{key}_dead": Placeholder(f"Placeholder-{key.replace('_', '-')}-DLQ{suffix}", DEAD.format(key=key))
        for key, suffix in (
            ("events", ".fifo"),
            ("remediation_p1", ""),
            ("remediation_standard", ""),
            ("notifications", ""),
        )
    },
    "access.issuer": Placeholder("https://issuer.placeholder.invalid", ASK),
    "access.audience": Placeholder("placeholder", ASK),
    "edge.firewall_arn": Placeholder(
        "arn:aws:wafv2:us-east-1:373544523367:global/webacl/placeholder/00000000-0000-0000-0000-000000000000",
        "aws wafv2 list-web-acls --scope CLOUDFRONT --region us-east-1 --query 'WebACLs[].[Name,ARN]' --output table",
    ),
    **_distribution("docs"),
    **_distribution("app"),
    **_distribution("api"),
}


def filled(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """The table with every `?` that may be one replaced by its stand-in; any other stays and is refused as a value."""
    return {
        key: filled(value, f"{path}{key}.")
        if isinstance(value, dict)
        else PLACEHOLDERS[f"{path}{key}"].stand_in
        if value == MARK and f"{path}{key}" in PLACEHOLDERS
        else value
        for key, value in table.items()
    }


def left_open(table: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The keys whose value is `?`, in the order of the file."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from left_open(value, f"{path}{key}.")
        elif value == MARK:
            yield f"{path}{key}"
