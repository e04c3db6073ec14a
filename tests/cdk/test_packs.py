"""What cdk-nag finds by HIPAA, NIST 800-53 and PCI DSS is accepted by rule, each with its reason and its number."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.cdk.templates import Synth
from tests.cdk.test_findings import PACKS, reports


@dataclass(frozen=True)
class Accepted:
    """Why a finding stands, and on how many resources of the adopting environment and of the fresh one."""

    reason: str
    prod: int
    dev: int


ACCEPTED: Mapping[str, Accepted] = {
    "APIGWCacheEnabledAndEncrypted": Accepted("answers are kept by CloudFront, by who asked", 1, 1),
    "APIGWSSLEnabled": Accepted("the gateway calls a function, which takes no client certificate", 1, 1),
    "CloudWatchLogGroupEncrypted": Accepted("CloudWatch's own key: lines hold no values", 10, 16),
    "ElastiCacheRedisClusterAutomaticBackup": Accepted("a cache: 7 days, and nothing there that matters", 0, 1),
    "IAMNoInlinePolicy": Accepted("each policy is of one role alone, and ends with it", 12, 15),
    "LambdaConcurrency": Accepted("the event source bounds the events worker; the others run in a deploy", 3, 3),
    "LambdaDLQ": Accepted("callers wait for the answer, or the queue and the schedule have dead letters", 8, 8),
    "LambdaInsideVPC": Accepted("they call AWS alone, in a deploy", 2, 2),
    "RDSInBackupPlan": Accepted("14 days to the second by RDS; docs/aws.md advises a copy in another account", 0, 4),
    "S3BucketReplicationEnabled": Accepted("logs, pages that are uploaded again, documents that are a copy", 0, 5),
    "S3DefaultEncryptionKMS": Accepted("logs, which S3 delivers under no key of ours, and public pages", 0, 4),
    "SecretsManagerRotationEnabled": Accepted("turned by the steps of docs/deploy.md, with those who know it", 1, 2),
    "SecretsManagerUsingKMSKey": Accepted("the edge reads it, in another region than the data key's", 1, 1),
    "VPCNoUnrestrictedRouteToIGW": Accepted("the public subnets, where the NAT gateway stands alone", 0, 2),
}


def found(synth: Synth) -> dict[str, int]:
    """How many resources each rule finds, in whichever packs."""
    named: dict[str, set[str]] = {}
    for name in PACKS:
        for each in reports(synth)[name]["violations"]:
            rule = each["ruleName"].removeprefix(f"{name}-").partition("[")[0]
            named.setdefault(rule, set()).update(where["constructPath"] for where in each["violatingConstructs"])
    return {rule: len(where) for rule, where in sorted(named.items())}


def test_each_finding_of_the_packs_is_accepted(prod: Synth, dev: Synth) -> None:
    assert found(prod) == {rule: each.prod for rule, each in ACCEPTED.items() if each.prod}
    assert found(dev) == {rule: each.dev for rule, each in ACCEPTED.items() if each.dev}


def test_the_default_group_is_closed(dev: Synth) -> None:
    """What the packs cannot see."""
    closed = dev.one("Custom::VpcRestrictDefaultSG")
    (vpc,) = dev.resources("AWS::EC2::VPC")
    assert closed["DefaultSecurityGroupId"] == {"Fn::GetAtt": [vpc, "DefaultSecurityGroup"]}


def test_instances_of_databases_tell_what_their_system_sees(dev: Synth) -> None:
    instances = dev.resources("AWS::RDS::DBInstance").values()
    assert [each["MonitoringInterval"] for each in instances] == [60] * 4
