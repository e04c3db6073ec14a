"""Resolvers know no name of a GraphQL field: names in camel case are those of operations, messages and expressions."""

import ast
import re
from pathlib import Path

from schema.mutation import MutationRoot
from schema.query import Query
from tests.architecture.test_house import MODULES, ROOT, shown

CAMEL_CASE = re.compile(r"(?<![A-Za-z0-9_])[a-z][a-z0-9]*[A-Z][A-Za-z0-9]*")

# Names of transitions, which are stored and shown, and the operations that messages to people advise.
OPERATIONS = {
    re.sub(r"_([a-z])", lambda match: match[1].upper(), field.python_name)
    for root in (MutationRoot, Query)
    for field in root.__strawberry_definition__.fields  # type: ignore[union-attr]
}
# Members and functions that users write in expressions.
EXPRESSIONS = {"startsWith", "endsWith", "requestedBy", "approvedBy"}
# Members of Alertmanager's and Grafana's notifications; those with a capital abbreviation have no rule.
NOTIFICATIONS = {"groupKey", "groupLabels", "truncatedAlerts", "dashboardURL", "panelURL", "generatorURL"}
# Members of messages to executors, of dead letters, and of audit entries.
MESSAGES = {"configurationItem", "requestId", "replyWith", "blastRadius", "entityId", "notStarted"}
# Keywords of JSON Schema, in which a language model is given the variables of an operation.
JSON_SCHEMA = {"additionalProperties", "maxLength"}
# Words in sentences for people: what to write, in the format of the sender, or in an example.
SENTENCES = {"dependsOn", "endsAt", "newSize", "restrictedTeam", "workflowId", "workflowKey"}

ALLOWED = OPERATIONS | EXPRESSIONS | NOTIFICATIONS | MESSAGES | JSON_SCHEMA | SENTENCES


def texts(source: str) -> list[str]:
    """The texts of a module without its docstrings."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def camel_names(source: str) -> set[str]:
    """The names in camel case in the texts of a module."""
    return {name for text in texts(source) for name in CAMEL_CASE.findall(text)}


def field_names(source: str) -> set[str]:
    """The texts of a module that are only a name, or a path, and could be the field of an error."""
    return {text for text in texts(source) if re.fullmatch(r"[\w.]+", text) and CAMEL_CASE.search(text)}


RESOLVERS = [path for path in MODULES if path.relative_to(ROOT).parts[0] == "resolvers"]


def found(path: Path) -> set[str]:
    source = path.read_text()
    return camel_names(source) - ALLOWED | field_names(source) & SENTENCES


def test_resolvers_know_no_names_of_fields() -> None:
    assert {shown(path): names for path in RESOLVERS if (names := found(path))} == {}


def test_every_exception_is_in_use() -> None:
    used = {name for path in RESOLVERS for name in camel_names(path.read_text())}
    assert ALLOWED - OPERATIONS - used == set()


def test_names_in_texts_are_found() -> None:
    assert camel_names('"""A teamId."""\nf(x, "teamId", f"items.{n}.typeKey", "see `classKey`")') == {
        "teamId", "typeKey", "classKey",
    }  # fmt: skip
    assert field_names('f("workflowId", "set either workflowId or workflowKey")') == {"workflowId"}
