"""Accepted findings of cdk-nag, each with a written reason. Any other finding fails the check."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def suppress(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings of AwsSolutions on a construct: by rule, with the finding in brackets if the rule has several."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason) for rule, reason in reasons.items())
    )


def finding_arn(stack: Stack, arn: str) -> str:
    """Return an ARN as it appears in a finding: a value from another stack by the name of its export."""
    resolved = stack.resolve(arn)
    if isinstance(resolved, str):
        return resolved
    separator, parts = resolved["Fn::Join"]
    return str(separator.join(part if isinstance(part, str) else part["Fn::ImportValue"] for part in parts))
