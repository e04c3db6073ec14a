"""Removal policies: what CloudFormation retains of a deleted stack, and deletes after a failed creation."""

from aws_cdk import CfnResource, RemovalPolicy
from constructs import IConstruct

# Retained if the stack is deleted or drops it; deleted if its own creation is rolled back, so that the name is free for
# the next attempt. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
RETAIN_AFTER_CREATION = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def cluster_policy(protected: bool) -> RemovalPolicy:
    """Return the removal policy of a cluster and of the groups it needs. CloudFormation cannot delete a cluster with
    deletion protection, so everything is retained; a first deployment is not protected yet."""
    return RemovalPolicy.RETAIN if protected else RETAIN_AFTER_CREATION


def apply_policy(construct: IConstruct, policy: RemovalPolicy) -> None:
    """Set the policy of a construct and all its children, so that nothing is retained without its dependencies."""
    for each in construct.node.find_all():
        if isinstance(each, CfnResource):
            each.apply_removal_policy(policy)
