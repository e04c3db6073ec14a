"""IAM's evaluation of one request by a role's policies: an explicit deny, then an allow, else a denial.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.cdk.resolving import Resolver
from tests.cdk.templates import Synth, listed


@dataclass(frozen=True)
class Request:
    """One call, as IAM sees it."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} {dict(self.context) or ''}".rstrip()


def statements(synth: Synth, function: str) -> list[dict[str, Any]]:
    """Those of a function's role, by the function's logical id, references resolved."""
    resolver = Resolver(synth)
    resources = synth.templates["Service"]["Resources"]
    role, attribute = resources[function]["Properties"]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    documents = [policy["PolicyDocument"] for policy in resources[role]["Properties"].get("Policies", [])]
    documents += [
        each["Properties"]["PolicyDocument"]
        for each in resources.values()
        if each["Type"] == "AWS::IAM::Policy" and {"Ref": role} in each["Properties"]["Roles"]
    ]
    return [resolver.whole(each, "Service") for document in documents for each in document["Statement"]]


def is_allowed(policies: Sequence[Mapping[str, Any]], request: Request) -> bool:
    """Whether the role may."""
    effects = {each["Effect"] for each in policies if _applies(each, request)}
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    assert not {"NotAction", "NotResource", "Principal"} & statement.keys(), "not evaluated here"
    return (
        # Actions are compared without case, ARNs with it.
        any(fnmatchcase(request.action.lower(), each.lower()) for each in listed(statement["Action"]))
        and any(_matches(request.resource, each) for each in listed(statement["Resource"]))
        and all(_holds(how, tests, request) for how, tests in statement.get("Condition", {}).items())
    )


def _matches(resource: str, pattern: str) -> bool:
    # IAM knows * and ?, and no brackets.
    return fnmatchcase(resource, pattern.replace("[", "[[]"))


def _holds(how: str, tests: Mapping[str, Any], request: Request) -> bool:
    compare = {
        "StringEquals": lambda value, wanted: value == wanted,
        "StringLike": fnmatchcase,
        "ArnEquals": fnmatchcase,
        "ArnLike": fnmatchcase,
    }[how]
    # A key that the request lacks matches nothing.
    return all(
        key in request.context and any(compare(request.context[key], wanted) for wanted in listed(wanteds))
        for key, wanteds in tests.items()
    )
