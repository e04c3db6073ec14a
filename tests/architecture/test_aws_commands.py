"""Each command of AWS that a page shows has a service, an operation and options of these names, and lacks none."""

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from cdk.keys import PLACEHOLDERS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")])

GLOBAL = {"--region", "--query", "--output", "--profile"}
# The command line's own, which no model describes, with their options.
OWN = {
    ("s3", "sync"): {"--source-region", "--region", "--exclude", "--cache-control", "--delete"},
    ("s3", "cp"): {"--cache-control", "--recursive"},
    ("cloudfront", "create-invalidation"): {"--distribution-id", "--paths"},
    ("logs", "tail"): {"--since", "--follow"},
    ("configure", "export-credentials"): {"--format"},
    ("pricing", "get-products"): {"--service-code", "--filters"},
}
CALLED = {"deploy": "codedeploy"}
# What the command line calls otherwise than the model does.
RENAMED = {("sns", "subscribe"): {"--endpoint": "--notification-endpoint"}}


@cache
def model(service: str) -> Any:
    return Session().get_service_model(CALLED.get(service, service))


def commands(text: str) -> set[str]:
    """Those in blocks and in the running text, each on one line; what one gives another stands for a value."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    running = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    inline = [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", running)]
    found = set()
    for shown_line in [line for block in blocks for line in block.splitlines()] + inline:
        line = shown_line
        while inner := re.search(r"\$\(([^()]*)\)", line):
            found |= {inner[1]} if inner[1].startswith("aws ") else set()
            line = line[: inner.start()] + "VALUE" + line[inner.end() :]
        found |= {part.strip() for part in re.split(r"&&|\||    #", line) if part.strip().startswith("aws ")}
    return found


def shown() -> list[tuple[str, str]]:
    found = [(path.name, each) for path in PAGES for each in sorted(commands(path.read_text()))]
    found += [
        ("placeholders", each)
        for placeholder in PLACEHOLDERS.values()
        for each in sorted(commands(f"```\n{placeholder.find}\n```"))
    ]
    return found


def faults(command: str) -> list[str]:
    # `<its group>` is a value, and no shell's redirection.
    words = shlex.split(re.sub(r"<[^>]*>", "VALUE", command))
    _, service, operation, *rest = words if len(words) > 2 else [*words, "", ""]
    if operation == "wait":
        waiters = {xform_name(each, "-") for each in Session().create_client(service, "us-east-1").waiter_names}
        return [] if rest[0] in {each.replace("_", "-") for each in waiters} else [f"{service} waits for no {rest[0]}"]
    given = {each.partition("=")[0] for each in rest if each.startswith("--")}
    if (service, operation) in OWN:
        return sorted(given - GLOBAL - OWN[service, operation])
    operations = {xform_name(each, "-"): each for each in model(service).operation_names}
    if operation not in operations:
        return [f"{service} has no {operation}"]
    shape = model(service).operation_model(operations[operation]).input_shape
    renamed = RENAMED.get((service, operation), {})
    members = {} if shape is None else {f"--{xform_name(name, '-')}": each for name, each in shape.members.items()}
    members = {renamed.get(name, name): each for name, each in members.items()}
    options = {*members, *(f"--no-{name[2:]}" for name, each in members.items() if each.type_name == "boolean")}
    # Taken out of the call and used to sign it: the command line adds it to what copies between regions.
    options |= {"--source-region"} if "--pre-signed-url" in options else set()
    needed = set() if shape is None or not given else {f"--{xform_name(name, '-')}" for name in shape.required_members}
    # A boolean that is needed may be given as its opposite.
    lacking = {each for each in needed - given if f"--no-{each[2:]}" not in given}
    return sorted(given - GLOBAL - options) + [f"lacks {each}" for each in sorted(lacking)]


@pytest.mark.parametrize(("page", "command"), shown())
def test_a_command_is_as_aws_has_it(page: str, command: str) -> None:
    assert faults(command) == []


def test_commands_are_found() -> None:
    """So that the test above is not one of nothing."""
    found = {command.split()[1] for _, command in shown()}
    assert {"rds", "kms", "lambda", "elasticache", "cloudfront", "secretsmanager", "deploy", "sqs"} <= found
    assert len(shown()) > 50


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("aws rds restore-db-cluster --x y", "rds has no restore-db-cluster"),
        ("aws kms replicate-key --key-id k --replica r", "--replica"),
        ("aws kms replicate-key --key-id k", "lacks --replica-region"),
        ("aws rds wait db-instance-there", "rds waits for no db-instance-there"),
    ],
)
def test_a_wrong_command_is_told(command: str, fault: str) -> None:
    assert fault in faults(command)
