"""Interface endpoints that an adopted VPC lacks, with their own security group."""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cdk.environment import AdoptedEnvironment
from cdk.inputs import StackInputs


def endpoints(stack: Stack, environment: AdoptedEnvironment, facts: StackInputs) -> list[Construct]:
    """Create the endpoints of the file. Each serves its service's name in the whole VPC, so the group admits all of it.
    https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html#interface-endpoint-private-dns
    """
    network = environment.network
    if not network.endpoints:
        return []
    group = ec2.SecurityGroup(
        stack,
        "Endpoints",
        vpc=facts.vpc,
        allow_all_outbound=False,
        description="StackFlow: endpoints of the APIs of AWS",
    )
    for each in network.ranges:
        group.add_ingress_rule(ec2.Peer.ipv4(each), ec2.Port.tcp(443), f"HTTPS from {each}")
    return [
        ec2.InterfaceVpcEndpoint(
            stack,
            f"Endpoint-{name}",
            vpc=facts.vpc,
            service=ec2.InterfaceVpcEndpointAwsService(name),
            subnets=facts.subnets,
            security_groups=[group],
            open=False,
        )
        for name in network.endpoints
    ]
