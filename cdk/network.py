"""The network of a new environment: two zones, one security group, endpoints, and settings of the account."""

from aws_cdk import Environment as Place
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigateway as gateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.environment import NewEnvironment
from cdk.nag_suppressions import suppress
from cdk.retention import apply_policy

# The ports on which members of the group connect to each other.
PORTS = ((5432, "Aurora"), (8182, "Neptune"), (6379, "Redis"), (443, "endpoints"))


class Network(Stack):
    """A VPC with public subnets for the NAT gateway and private ones for everything else."""

    def __init__(
        self, scope: Construct, construct: str, *, environment_file: NewEnvironment, place: Place, protected: bool
    ) -> None:
        super().__init__(scope, construct, env=place, termination_protection=protected)
        network = environment_file.network
        self.vpc: ec2.Vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(network.cidr),
            availability_zones=network.zones,
            nat_gateways=network.nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=22),
            ],
            # By a custom resource of the CDK, because CloudFormation cannot: without a group, nothing is reachable.
            restrict_default_security_group=True,
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
        )
        self._flows()
        self.group: ec2.SecurityGroup = self._group()
        for name in network.endpoints:
            ec2.InterfaceVpcEndpoint(
                self,
                f"Endpoint-{name}",
                vpc=self.vpc,
                service=ec2.InterfaceVpcEndpointAwsService(name),
                subnets=ec2.SubnetSelection(subnets=self.vpc.private_subnets),
                security_groups=[self.group],
                # The group admits only its own members.
                open=False,
            )
        self._gateway_may_log()

    def _flows(self) -> None:
        log_group = logs.LogGroup(
            self, "FlowLogs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.vpc.add_flow_log("Flows", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group))

    def _group(self) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "Mesh",
            vpc=self.vpc,
            allow_all_outbound=False,
            description="StackFlow: functions, Aurora, Neptune, Redis, endpoints",
        )
        for port, what in PORTS:
            group.add_ingress_rule(group, ec2.Port.tcp(port), what)
            group.add_egress_rule(group, ec2.Port.tcp(port), what)
        # For the issuer's keys, and AWS APIs without an endpoint here.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS through the NAT gateway")
        return group

    def _gateway_may_log(self) -> None:
        """Set the role by which API Gateway logs: one per account and region, which an empty account lacks."""
        managed = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
        role = iam.Role(
            self,
            "GatewayLogsRole",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(managed)],
        )
        account = gateway.CfnAccount(self, "GatewayAccount", cloud_watch_role_arn=role.role_arn)
        # The setting belongs to the account and outlives the stack, so its role must too.
        for each in (account, role):
            apply_policy(each, RemovalPolicy.RETAIN)
        reason = "API Gateway asks for this policy by name"
        suppress(role, {f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{managed}]": reason})
