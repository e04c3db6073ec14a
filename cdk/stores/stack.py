"""The stack of what keeps data: protected from being ended, and kept if it ends all the same."""

from aws_cdk import Environment as Place
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cdk.environment import Create
from cdk.facts import Facts
from cdk.network import Network
from cdk.stores.aurora import aurora
from cdk.stores.key import data_key
from cdk.stores.knowledge import knowledge
from cdk.stores.neptune import graph
from cdk.stores.queues import findings, queues
from cdk.stores.redis import cache


class Stores(Stack):
    """Stateful. Its logical ids are frozen by a test: another id is another store, and an empty one."""

    def __init__(
        self, scope: Construct, construct: str, *, environment_file: Create, network: Network, place: Place
    ) -> None:
        super().__init__(scope, construct, env=place, termination_protection=True)
        vpc = network.vpc
        subnets = ec2.SubnetSelection(subnets=vpc.private_subnets)
        ids = [each.subnet_id for each in vpc.private_subnets]
        # As another stack's that can't be changed: a rule that a store adds would lead the network back to it.
        group = ec2.SecurityGroup.from_security_group_id(self, "Mesh", network.group.security_group_id, mutable=False)
        key = data_key(self, environment_file)
        clusters = environment_file.aurora
        self.facts: Facts = Facts(
            vpc=vpc,
            subnets=subnets,
            group=network.group,
            key=key,
            main=aurora(self, "Main", clusters.main, vpc=vpc, subnets=subnets, group=group, key=key),
            requirements=aurora(
                self, "Requirements", clusters.requirements, vpc=vpc, subnets=subnets, group=group, key=key
            ),
            graph=graph(self, environment_file.neptune, subnets=ids, group=group.security_group_id, key=key.key_arn),
            cache=cache(self, environment_file, subnets=ids, group=group.security_group_id, key=key),
            queues=queues(self, environment_file, key),
            knowledge=knowledge(self, environment_file, key),
            topic=findings(self, environment_file, key),
        )
