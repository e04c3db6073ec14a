"""The Stores stack: retained when deleted, and protected from deletion after the first successful deployment."""

from aws_cdk import Environment as Place
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cdk.environment import NewEnvironment
from cdk.inputs import Database, StackInputs
from cdk.network import Network
from cdk.stores.aurora import aurora
from cdk.stores.documents import documents
from cdk.stores.key import data_key
from cdk.stores.knowledge import Sources
from cdk.stores.neptune import graph
from cdk.stores.queues import findings_topic, queues
from cdk.stores.redis import cache
from cdk.tables import NewAurora


class Stores(Stack):
    """Stateful. A test freezes the logical ids: another id would create another, empty store."""

    def __init__(
        self,
        scope: Construct,
        construct: str,
        *,
        environment_file: NewEnvironment,
        network: Network,
        place: Place,
        protected: bool,
    ) -> None:
        super().__init__(scope, construct, env=place, termination_protection=protected)
        vpc = network.vpc
        subnets = ec2.SubnetSelection(subnets=vpc.private_subnets)
        # Imported as immutable: a rule that a store adds would make the network stack depend on this one.
        group = ec2.SecurityGroup.from_security_group_id(self, "Mesh", network.group.security_group_id, mutable=False)
        key = data_key(self, environment_file)
        bucket = documents(self, key)
        # Exported even if no stack uses them, so that `[knowledge]` can be removed and added again.
        self.sources: Sources = Sources(
            self.export_value(bucket.bucket_arn), self.export_value(bucket.bucket_name), key
        )
        clusters = environment_file.aurora
        ids, group_id = [each.subnet_id for each in vpc.private_subnets], group.security_group_id

        def database(name: str, cluster: NewAurora) -> Database:
            return aurora(self, name, cluster, vpc=vpc, subnets=subnets, group=group, key=key, protected=protected)

        self.facts: StackInputs = StackInputs(
            vpc=vpc,
            subnets=subnets,
            group=network.group,
            key=key,
            main=database("Main", clusters.main),
            requirements=database("Requirements", clusters.requirements),
            graph=graph(
                self, environment_file.neptune, subnets=ids, group=group_id, key=key.key_arn, protected=protected
            ),
            cache=cache(self, environment_file, subnets=ids, group=group_id, key=key),
            queues=queues(self, environment_file, key),
            knowledge=None,
            publication=None,
            topic=findings_topic(self, environment_file, key),
        )
