"""Least privilege: each function its own role, and no `*` that a resource could replace."""

import re

import pytest

from tests.cdk.templates import Synth, listed

# Actions that know no resource, and what a resource's `*` means otherwise. Not those of cdk/, which could grow.
INTERFACES = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
WITHOUT_RESOURCE = INTERFACES | {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
PARTS = {
    r"^arn:aws:neptune-db:[^*]+/\*$": "Neptune names its data by the cluster",
    r"Documents\w+Arn\w+/\*$": "the documents of the one bucket",
    r"Documents[0-9A-F]{8}\w+/chunks/\*$": "the chunks of the one bucket, whose names are ids",
    r"^Migrations\w+\.Arn:\*$": "the versions of the one function, by the CDK's own provider",
    r"^(Api|Readiness)\w+\.Arn:\*$": "the versions of the one function, while a new one takes over",
}


def shown(value: object) -> str:
    """A resource in one line, references by their logical id."""
    match value:
        case str():
            return value
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(shown, parts))
        case {"Fn::GetAtt": [id_, attribute]}:
            return f"{id_}.{attribute}"
        case {"Ref": id_}:
            return str(id_)
        case {"Fn::ImportValue": name}:
            return shown(name)
        case _:
            return str(value)


def test_no_star_stands_where_a_resource_could(each: Synth) -> None:
    seen = 0
    for id_, statement in each.statements():
        if statement["Effect"] == "Deny":
            continue
        for resource in map(shown, listed(statement["Resource"])):
            seen += 1
            if resource == "*":
                assert set(listed(statement["Action"])) <= WITHOUT_RESOURCE, (id_, statement)
            elif "*" in resource:
                assert any(re.search(part, resource) for part in PARTS), (id_, resource)
    assert seen > 50


def test_each_function_may_write_traces_once(each: Synth) -> None:
    writers = [id_ for id_, statement in each.statements() if "xray:PutTraceSegments" in listed(statement["Action"])]
    assert len(writers) == len(set(writers)) == 6


def test_no_action_is_a_pattern(each: Synth) -> None:
    patterns = {action for _, statement in each.statements() for action in listed(statement["Action"]) if "*" in action}
    assert patterns == set()


def test_each_function_has_a_role_of_its_own(each: Synth) -> None:
    roles = [str(function["Role"]) for function in each.resources("AWS::Lambda::Function").values()]
    # In a fresh environment also the CDK's own, which closes the default group of the VPC.
    assert len(roles) == len(set(roles)) == (8 if each.environment.name == "prod" else 9)


def test_no_policy_may_end_a_key(each: Synth) -> None:
    actions = {action for _, statement in each.statements() for action in listed(statement["Action"])}
    assert {action for action in actions if action.startswith("kms:")} == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_lambdas_own_rights_are_denied_to_its_code(each: Synth) -> None:
    for suffix in ("", "-events", "-projector", "-requirements", "-workflows", "-migrations"):
        name = each.function(suffix)["FunctionName"]
        arn = f"arn:aws:lambda:us-east-1:{each.environment.account}:function:{name}"
        denied = [
            statement
            for _, statement in each.statements()
            if statement["Effect"] == "Deny"
            and statement["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": [arn]}}
        ]
        assert len(denied) == 1
        assert set(denied[0]["Action"]) == INTERFACES


def having(synth: Synth, action: str) -> set[str]:
    """The roles that may do it, by the beginning of their ids."""
    return {
        re.split(r"Role(?:DefaultPolicy)?[0-9A-F]{8}", id_)[0]
        for id_, statement in synth.statements()
        if action in listed(statement["Action"]) and statement["Effect"] == "Allow"
    }


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        ("rds-db:connect", {"Api", "EventsWorker", "Projector", "Requirements", "Workflows"}),
        ("neptune-db:ReadDataViaQuery", {"Api", "EventsWorker", "Projector", "Requirements", "Workflows"}),
        ("neptune-db:WriteDataViaQuery", {"Projector"}),
        ("neptune-db:DeleteDataViaQuery", {"Projector"}),
        ("sqs:SendMessage", {"Api", "Workflows", "ProjectorTick", "RequirementsTick", "WorkflowsTick"}),
        ("sqs:ReceiveMessage", {"EventsWorker"}),
        ("sqs:ChangeMessageVisibility", {"EventsWorker"}),
        ("bedrock:Retrieve", {"Api"}),
        ("s3:PutObject", set()),
    ],
)
def test_who_may_do_what(prod: Synth, action: str, roles: set[str]) -> None:
    assert having(prod, action) == roles


def test_only_migrations_read_the_owners_secrets(prod: Synth) -> None:
    owners = [prod.environment.aurora.main.secret_arn, prod.environment.aurora.requirements.secret_arn]  # type: ignore[union-attr]
    readers = {
        re.split(r"Role(?:DefaultPolicy)?[0-9A-F]{8}", id_)[0]
        for id_, statement in prod.statements()
        if set(owners) & set(map(str, listed(statement["Resource"])))
    }
    assert readers == {"Migrations"}


def test_trust_is_of_one_account(dev: Synth) -> None:
    """Services that act for many accounts act for ours."""
    for role in dev.resources("AWS::IAM::Role").values():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = statement["Principal"]["Service"]
        if service in {"scheduler.amazonaws.com", "bedrock.amazonaws.com"}:
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": dev.environment.account}}
