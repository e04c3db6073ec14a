"""What CloudFormation keeps of a stack that ends, and what it gives back when the creation fails."""

from aws_cdk import CfnResource, RemovalPolicy
from constructs import IConstruct

# Kept when the stack ends or drops it, deleted when its own creation is rolled back: its name is then free for the next
# try. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
RETAIN_AFTER_CREATION = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def cluster_policy(protected: bool) -> RemovalPolicy:
    """Of a cluster and of the groups it needs. CloudFormation cannot delete a cluster that is protected from deletion,
    so it keeps all of them; those of a first deploy are not protected yet."""
    return RemovalPolicy.RETAIN if protected else RETAIN_AFTER_CREATION


def apply_policy(construct: IConstruct, policy: RemovalPolicy) -> None:
    """Give one policy to a construct and all beneath it, so that nothing is kept without what it needs."""
    for each in construct.node.find_all():
        if isinstance(each, CfnResource):
            each.apply_removal_policy(policy)
