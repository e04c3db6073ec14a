"""The origin secret: a header by which the gateway recognises CloudFront, so that no caller can bypass it."""

from aws_cdk import RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_wafv2 as waf

from cdk.edge.firewall import visibility
from cdk.environment import Environment
from cdk.nag_suppressions import suppress

ORIGIN_HEADER = "x-stackflow-origin"
SECRET_LENGTH = 64

Acl = waf.CfnWebACL


def origin_secrets(stack: Stack, environment: Environment) -> list[secrets.Secret]:
    """Create the secrets of the number in the file and of the previous number.

    A deployment with a raised number rotates the secret: the gateway accepts both before CloudFront sends the new one.
    The secrets are replicated to the region of the Edge stack.
    """
    edge = environment.edge
    created = []
    for number in range(max(1, edge.origin_secret - 1), edge.origin_secret + 1):
        secret = secrets.Secret(
            stack,
            f"Origin{number}",
            secret_name=_name(environment, number),
            generate_secret_string=secrets.SecretStringGenerator(
                exclude_punctuation=True, password_length=SECRET_LENGTH
            ),
            replica_regions=[] if environment.region == edge.region else [secrets.ReplicaRegion(region=edge.region)],
            # The next deployment creates a new one.
            removal_policy=RemovalPolicy.DESTROY,
        )
        suppress(secret, {"SMG4": "it is turned by raising edge.origin_secret, as gateway and edge must agree on it"})
        created.append(secret)
    return created


def origin_secret_reference(environment: Environment) -> str:
    """Return a reference to the current secret that CloudFormation resolves: by name, because ARNs differ by region."""
    return SecretValue.secrets_manager(_name(environment, environment.edge.origin_secret)).unsafe_unwrap()


def edge_only_rule(accepted: list[secrets.Secret], signed: tuple[str, ...]) -> waf.CfnWebACL.RuleProperty:
    """Block requests that do not come from CloudFront, except to paths that require a signature of the account."""
    headers = [_matches({"Name": ORIGIN_HEADER}, each.secret_value.unsafe_unwrap()) for each in accepted]
    paths = [_matches(None, path) for path in signed]
    either = Acl.StatementProperty(or_statement=Acl.OrStatementProperty(statements=[*headers, *paths]))
    return Acl.RuleProperty(
        name="NotFromTheEdge",
        priority=0,
        action=Acl.RuleActionProperty(block={}),
        visibility_config=visibility("NotFromTheEdge"),
        statement=Acl.StatementProperty(not_statement=Acl.NotStatementProperty(statement=either)),
    )


def _matches(header: dict[str, str] | None, text: str) -> waf.CfnWebACL.StatementProperty:
    """Match a header with this value, or a path with this ending: the stage precedes it."""
    field = Acl.FieldToMatchProperty(uri_path={}) if header is None else Acl.FieldToMatchProperty(single_header=header)
    return Acl.StatementProperty(
        byte_match_statement=Acl.ByteMatchStatementProperty(
            field_to_match=field,
            positional_constraint="ENDS_WITH" if header is None else "EXACTLY",
            search_string=text,
            text_transformations=[Acl.TextTransformationProperty(priority=0, type="NONE")],
        )
    )


def _name(environment: Environment, number: int) -> str:
    return f"stackflow/{environment.name}/origin-{number}"
