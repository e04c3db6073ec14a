"""The origin's secret: a header by which the gateway knows that CloudFront asks, and nobody around it."""

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
    """That of the file's number and the one before it, so that a deploy that raises the number turns the secret: the
    gateway takes both before CloudFront sends the next. Replicated to where the distributions' stack reads it.
    """
    edge = environment.edge
    made = []
    for number in range(max(1, edge.origin_secret - 1), edge.origin_secret + 1):
        secret = secrets.Secret(
            stack,
            f"Origin{number}",
            secret_name=_name(environment, number),
            generate_secret_string=secrets.SecretStringGenerator(
                exclude_punctuation=True, password_length=SECRET_LENGTH
            ),
            replica_regions=[] if environment.region == edge.region else [secrets.ReplicaRegion(region=edge.region)],
            # The next deploy makes another.
            removal_policy=RemovalPolicy.DESTROY,
        )
        suppress(secret, {"SMG4": "it is turned by raising edge.origin_secret, as gateway and edge must agree on it"})
        made.append(secret)
    return made


def origin_secret_reference(environment: Environment) -> str:
    """What CloudFront sends: a reference that CloudFormation resolves, by name, as another region's ARN is another."""
    return SecretValue.secrets_manager(_name(environment, environment.edge.origin_secret)).unsafe_unwrap()


def edge_only_rule(accepted: list[secrets.Secret], signed: tuple[str, ...]) -> waf.CfnWebACL.RuleProperty:
    """Stops what does not come from CloudFront, but for paths that ask for a signature of the account."""
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
    """A header that is this text, or a path that ends with it: the stage stands before it."""
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
