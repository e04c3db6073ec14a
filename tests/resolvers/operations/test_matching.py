"""The choice of an operation: by examples, by entities, by directions, and never when a part would be ignored."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_variable_values

from datasources.language.embeddings import open_embedder
from datasources.language.port import Completion, StopReason, TokenUsage, ToolChoice
from datasources.records.search import NamedRecord
from resolvers.operations.catalog import KINDS, Operation, VariableKind
from resolvers.operations.entities import Candidate, Entities, Mention, share_of_name
from resolvers.operations.matching import MatchStatus, OperationMatch, decide, rank_choices
from resolvers.operations.tools import list_tools, resolve_choice
from resolvers.operations.words import split_words, stem, stems
from schema.execution.document_cache import GRAPHQL_SCHEMA
from schema.operations import trusted_documents
from schema.operations.catalog import operation_catalog

CATALOG = operation_catalog()
VALUES = {
    VariableKind.ITEM: "ci_00000000-0000-0000-0000-000000000001", VariableKind.TEAM: "platform",
    VariableKind.INCIDENT_NUMBER: "INC1", VariableKind.CHANGE_NUMBER: "CHG1",
    VariableKind.ANSWER: "ans_00000000-0000-7000-8000-000000000001",
}  # fmt: skip


def entities(text: str, **more: Any) -> Entities:
    """A question in which `ITEM`, `TEAM`, `INC` and `CHG` are mentions."""
    kinds = {
        "ITEM": VariableKind.ITEM, "TEAM": VariableKind.TEAM, "INC": VariableKind.INCIDENT_NUMBER,
        "CHG": VariableKind.CHANGE_NUMBER, "ANS": VariableKind.ANSWER,
    }  # fmt: skip
    words = split_words(text)
    mentions = [
        Mention(place, place + 1, kinds[word], (Candidate(VALUES[kinds[word]], f"the {word}", 1.0),))
        for place, word in enumerate(words)
        if word in kinds
    ]
    return Entities(tuple(words), tuple(mentions), **more)


def find(text: str, *, model: bool = True, **more: Any) -> OperationMatch:
    embedder = open_embedder() if model else None
    read = entities(text, **more)
    return decide(rank_choices(read, CATALOG, embedder.embed if embedder else None), read, "", has_model=model)


def names(match: OperationMatch) -> list[str]:
    return [choice.operation.name for choice in match.choices]


@pytest.mark.parametrize("operation", CATALOG, ids=lambda each: each.name)
@pytest.mark.parametrize("model", [True, False], ids=["embeddings", "stems"])
def test_each_example_finds_its_operation(operation: Operation, model: bool) -> None:
    marks = {
        VariableKind.ITEM: "ITEM", VariableKind.TEAM: "TEAM", VariableKind.INCIDENT_NUMBER: "INC",
        VariableKind.CHANGE_NUMBER: "CHG", VariableKind.ANSWER: "ANS",
        VariableKind.PRIORITIES: "priority", VariableKind.STATES: "open",
    }  # fmt: skip
    for example in operation.examples:
        text = example
        for name, kind in KINDS.items():
            text = text.replace(f"{{{name}}}", marks[kind])
        priorities = (1,) if "priority" in text else ()
        match = find(text, model=model, priorities=priorities)
        assert names(match)[:1] == [operation.name], text


@pytest.mark.parametrize("operation", CATALOG, ids=lambda each: each.name)
def test_graphql_accepts_the_variables_of_every_choice(operation: Operation) -> None:
    marks = " ".join({"item": "ITEM", "from": "ITEM", "to": "ITEM"}.get(name, name) for name in operation.required)
    text = (
        marks.replace("team", "TEAM").replace("incident", "INC").replace("change", "CHG").replace("answer", "ANS")
        or "all"
    )
    optional = {"priorities": (1, 2), "states": ("CLOSED",)} if operation.optional else {}
    read = entities(text, **optional)
    [choice] = [each for each in rank_choices(read, CATALOG, None) if each.operation is operation]
    [definition] = parse(trusted_documents()[operation.id].text).definitions
    assert isinstance(definition, OperationDefinitionNode)
    coerced = get_variable_values(GRAPHQL_SCHEMA, definition.variable_definitions or (), dict(choice.variables))
    assert isinstance(coerced, VariableValues)
    assert set(choice.variables) == {*operation.required, *(operation.optional if optional else ())}


def test_a_choice_reads_back_with_the_names_of_its_entities() -> None:
    [choice] = find("open incidents of TEAM", priorities=(1, 2)).choices
    assert choice.question == "Open P1 and P2 incidents of the team the TEAM"
    assert choice.variables == {"team": "platform", "priorities": [1, 2]}


def test_nothing_of_a_question_is_ignored() -> None:
    assert find("open incidents").status is MatchStatus.CHOSEN
    unresolved = find("open incidents of payments", unresolved=("payments",))
    assert (unresolved.status, unresolved.reason) == (
        MatchStatus.UNSURE,
        "nothing that you may read has the name 'payments'",
    )
    # A priority, a second item and a number that no operation takes.
    assert "owner" not in names(find("who owns ITEM", priorities=(1,)))
    assert "owner" not in names(find("who owns ITEM and ITEM"))
    assert names(find("who owns ITEM since INC")) == []


def test_an_unclear_item_is_asked_back() -> None:
    read = entities("who owns ITEM")
    both = (Candidate("ci_1", "redis", 1.0), Candidate("ci_2", "redis", 1.0))
    read = replace(read, mentions=(replace(read.mentions[0], candidates=both),))
    match = decide(rank_choices(read, CATALOG, None), read, "", has_model=False)
    assert match.status is MatchStatus.UNSURE
    assert [choice.variables["item"] for choice in match.choices if choice.operation.name == "owner"] == [
        "ci_1",
        "ci_2",
    ]


def test_words_of_other_operations_make_unsure() -> None:
    assert names(find("who owns ITEM")) == ["owner"]
    assert find("who owns the services that depend on ITEM").status is not MatchStatus.CHOSEN
    assert find("which incidents do services have that use ITEM").status is not MatchStatus.CHOSEN


@pytest.mark.parametrize(
    ("phrase", "share"),
    [
        ("switch-b-1", 1.0), ("SWITCH-B-1", 1.0), ("Top-of-rack switch b1", 1.0), ("switch b1", 0.99), ("b1", 0.66),
        ("swich b1", 0.99), ("switch b2", 0), ("switch b11", 0), ("switch 1", 0.66), ("switch", 0.33),
        ("rack b1", 0.57), ("blue switch b1", 0), ("", 0),
    ],
)  # fmt: skip
def test_the_share_of_a_name_needs_every_word_and_digit(phrase: str, share: float) -> None:
    record = NamedRecord(id="1", name="Top-of-rack switch b1", keys=["switch-b-1", "demo/switch-b-1"])
    assert share_of_name(phrase, record) == pytest.approx(share, abs=0.01)


def test_stems() -> None:
    assert {stem(word) for word in ("depend", "depends", "depending", "Depended")} == {"depend"}
    assert stems("What are the dependencies of the registry?") == {"dependenc", "registr"}
    assert split_words("the team's redis-cache-01, (gitlab/redis)?") == [
        "the",
        "team",
        "redis-cache-01",
        "gitlab/redis",
    ]


def choose(tool: str | None, variables: dict[str, Any]) -> ToolChoice:
    return ToolChoice(tool, variables, Completion(StopReason.END, TokenUsage(), 0.1))


@pytest.mark.parametrize(
    ("tool", "variables", "is_taken"),
    [
        ("owner", {"item": "ITEM"}, True),
        ("owner", {"item": "the item"}, True),
        ("owner", {"item": VALUES[VariableKind.ITEM]}, True),
        ("owner", {"item": "another item"}, False),
        ("owner", {"item": ["ITEM"]}, False),
        ("owner", {"item": "ITEM", "first": 10_000}, False),
        ("owner", {"item": "ITEM", "team": "platform"}, False),
        ("owner", {}, False),
        ("item-incidents", {"item": "ITEM", "priorities": [1]}, False),
        ("closeIncident", {"item": "ITEM"}, False),
        (None, {}, False),
    ],
)
def test_of_a_models_reply_only_a_choice_is_taken(tool: str | None, variables: dict[str, Any], is_taken: bool) -> None:
    read = entities("in whose hands is ITEM")
    choices = rank_choices(read, CATALOG, None)
    chosen = resolve_choice(choose(tool, variables), choices, read)
    assert (chosen is not None) is is_taken
    if chosen is not None:
        assert (chosen.operation.name, chosen.variables) == ("owner", {"item": VALUES[VariableKind.ITEM]})


def test_a_model_cannot_decide_between_two_items_of_one_name() -> None:
    read = entities("in whose hands is ITEM")
    both = (Candidate("ci_1", "redis", 1.0), Candidate("ci_2", "redis", 1.0))
    read = replace(read, mentions=(replace(read.mentions[0], candidates=both),))
    choices = rank_choices(read, CATALOG, None)
    assert resolve_choice(choose("owner", {"item": "redis"}), choices, read) is None
    taken = resolve_choice(choose("owner", {"item": "ci_2"}), choices, read)
    assert taken is not None
    assert taken.variables == {"item": "ci_2"}


def test_tools_have_the_variables_of_a_question_and_nothing_else() -> None:
    tools = list_tools(rank_choices(entities("open incidents of TEAM"), CATALOG, None))
    schemas = {tool.name: tool.input_schema for tool in tools}
    assert 1 < len(tools) <= 8
    assert all(schema["additionalProperties"] is False for schema in schemas.values())
    assert list(schemas["team-incidents"]["properties"]) == ["team", "priorities", "states"]
    assert schemas["team-incidents"]["required"] == ["team"]
    assert "CLOSED" in schemas["team-incidents"]["properties"]["states"]["items"]["enum"]
