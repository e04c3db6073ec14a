"""Reports the open values of an environment file and how to find them: `python -m cdk.check <file> --deploy`."""

import argparse
import sys
from pathlib import Path

from cdk.bundle import ROOT, BundleError, load_bundle
from cdk.certificates import require_region
from cdk.connections import connection_demand
from cdk.environment import AdoptedEnvironment, Environment
from cdk.keys import lookup_hint
from cdk.loader import EnvironmentFile, EnvironmentFileError, load_environment
from cdk.serving.stack import EVENTS_SECONDS
from cdk.stores.queues import EVENTS_MAX_RECEIVES, MAX_RETENTION_DAYS, VISIBILITY_FACTOR


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns 1 if the file cannot be used; with --deploy also if it has open values, or if the
    bundle is missing or outdated."""
    parser = argparse.ArgumentParser(prog="python -m cdk.check", description=__doc__)
    parser.add_argument("file", type=Path, help="an environment file")
    parser.add_argument("--deploy", action="store_true", help="refuse what could not be deployed")
    options = parser.parse_args(arguments)
    try:
        loaded = load_environment(options.file)
    except EnvironmentFileError as error:
        print(error, file=sys.stderr)
        return 1
    for line in report_lines(loaded):
        print(line)
    if not options.deploy:
        return 0
    faults = [f"{key} is left open" for key in loaded.open_keys]
    try:
        bundle = load_bundle(ROOT / loaded.environment.functions.bundle)
        require_region(bundle.path, loaded.environment.region)
    except BundleError as error:
        faults.append(str(error))
    for fault in faults:
        print(f"{options.file}: {fault}", file=sys.stderr)
    return 1 if faults else 0


def report_lines(loaded: EnvironmentFile) -> list[str]:
    """Return the open keys with the command to find each, the connection limits, and what to compare."""
    lines = [f"{len(loaded.open_keys)} left open" if loaded.open_keys else "nothing left open"]
    for key in loaded.open_keys:
        lines += [f"  {key}", f"    {lookup_hint(key, loaded.table)}"]
    lines.append("connections at most")
    for each in connection_demand(loaded.environment):
        lines.append(
            f"  aurora.{each.database}: {each.required} of {each.allowed}, which are nine tenths"
            f" of {each.max_connections}"
        )
    lines.append("to compare with the account, which no template can")
    lines += [f"  {command}" for command in comparisons(loaded.environment)]
    return lines


def comparisons(environment: Environment) -> list[str]:
    """Return read-only commands to compare the environment with the account."""
    name, region = environment.functions.name, environment.region
    commands = [
        f"aws lambda get-account-settings --region {region} --query AccountLimit.ConcurrentExecutions"
        f"    # over {environment.functions.concurrency + 4}, which are reserved, by 100 at least",
        f"aws lambda get-function --region {region} --function-name {name}    # exists: see docs/deploy.md, adopting",
    ]
    if isinstance(environment, AdoptedEnvironment):
        network = environment.network
        if network.endpoints:
            commands.append(
                f"aws ec2 describe-vpc-endpoints --region {region} --filters Name=vpc-id,Values={network.vpc_id}"
                " --query 'VpcEndpoints[].[ServiceName,PrivateDnsEnabled]' --output text"
                f"    # none yet for {', '.join(network.endpoints)}: those to be made answer for these names in the"
                f" whole VPC, and admit {', '.join(network.ranges)}; ask the owners of its other workloads"
            )
        subnets = " ".join(network.private_subnets.values())
        commands += [
            f"aws ec2 describe-subnets --region {region} --subnet-ids {subnets}"
            " --query 'Subnets[].[SubnetId,AvailabilityZone,VpcId]' --output text"
            f"    # {', '.join(f'{subnet} in {zone}' for zone, subnet in network.private_subnets.items())},"
            f" all in {network.vpc_id}",
            f"aws ec2 describe-security-group-rules --region {region}"
            f" --filters Name=group-id,Values={network.security_group_id}"
            "    # in and out, the group to itself on 5432, 8182, 6379, 443;"
            " out, 443 to 0.0.0.0/0: the keys of the issuer",
            f"aws ec2 describe-route-tables --region {region}"
            f" --filters Name=association.subnet-id,Values={','.join(network.private_subnets.values())}"
            " --query 'RouteTables[].[Associations[].SubnetId,Routes[?DestinationCidrBlock==`0.0.0.0/0`]]'"
            "    # both subnets, each with a default route to a NAT gateway: the keys of the issuer are on the"
            " internet; a subnet that is not shown has the main table of its VPC",
            f"aws sqs get-queue-attributes --queue-url $(aws sqs get-queue-url --queue-name {environment.queues.events}"
            " --query QueueUrl --output text) --attribute-names All"
            f"    # VisibilityTimeout {EVENTS_SECONDS * VISIBILITY_FACTOR}, {EVENTS_SECONDS} at the very least;"
            " maxReceiveCount"
            f" {EVENTS_MAX_RECEIVES} and dead letters in {environment.queues.events_dead}; MessageRetentionPeriod"
            f" {MAX_RETENTION_DAYS * 86_400}; DeduplicationScope messageGroup; FifoThroughputLimit perMessageGroupId",
            f"aws apigateway get-account --region {region} --query cloudwatchRoleArn"
            "    # a role, or the gateway's stage is not made: see docs/deploy.md, adopting",
            f"aws sns get-topic-attributes --region {region} --topic-arn"
            f" arn:aws:sns:{region}:{environment.account}:{environment.findings_topic} --query Attributes.Policy"
            "    # cloudwatch, events and budgets may publish",
        ]
    return commands


if __name__ == "__main__":
    sys.exit(main())
