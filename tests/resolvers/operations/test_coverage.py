"""Words that an operation would ignore: each kind of condition, and the words that carry none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.operations.catalog import VariableKind
from resolvers.operations.coverage import list_ignored
from resolvers.operations.entities import Candidate, Entities, Mention
from resolvers.operations.words import split_words
from schema.operations.catalog import operation_catalog

OPERATIONS = {each.name: each for each in operation_catalog()}


def ignored(name: str, text: str, priorities: tuple[int, ...] = (), signs: tuple[str, ...] = ()) -> list[str]:
    """The words that an operation ignores of a question in which `ITEM` and `TEAM` are mentions."""
    words = split_words(text)
    mentions = tuple(
        Mention(place, place + 1, VariableKind[word], (Candidate("x", "x", 1.0),))
        for place, word in enumerate(words)
        if word in {"ITEM", "TEAM"}
    )
    return list(list_ignored(OPERATIONS[name], Entities(tuple(words), mentions, priorities, signs=signs), mentions))


@pytest.mark.parametrize(
    ("operation", "text", "words"),
    [
        ("incidents", "open incidents", []),
        ("incidents", "could you please show me the open incidents", []),
        ("incidents", "oldest open incident", ["oldest"]),
        ("incidents", "incidents opened by me", ["by", "me"]),
        ("incidents", "my open incidents", ["my"]),
        ("incidents", "which incidents do we have", []),
        ("incidents", "which incidents do I have", ["i"]),
        ("incidents", "how many incidents", []),
        ("incidents", "many incidents", ["many"]),
        ("incidents", "are there incidents on it", ["it"]),
        ("incidents", "open incidents of resolved changes", ["resolved", "changes"]),
        ("incidents", "non-priority incidents", ["non-priority"]),
        ("item-incidents", "incidents of everything in ITEM", ["everything"]),
        ("item-incidents", "incidents with a workaround on ITEM", ["workaround"]),
        ("item-changes", "changes made by ITEM", ["made", "by"]),
        ("item-changes", "current changes of ITEM", ["current"]),
        ("item-changes", "recent changes of ITEM", ["recent"]),
        ("item-changes", "upcoming changes of ITEM", ["upcoming"]),
        ("planned-changes", "how many changes are scheduled for ITEM", []),
        ("planned-changes", "upcoming incidents of ITEM", ["incidents"]),
        ("owner", "who owns our ITEM", []),
        ("owner", "who owned ITEM", ["who owned"]),
        ("owner", "which team is ITEM owned by", []),
        ("owner", "what is owned by ITEM", ["by item"]),
        ("owner", "what does ITEM own", ["item own"]),
        ("owner", "who owns the owner of ITEM", ["owns the owner"]),
        ("owner", "who owns the services on ITEM", ["services"]),
        ("item-approvals", "who approved the restart of ITEM", ["approved"]),
        ("dependents", "which services depend on ITEM", []),
        ("dependents", "downstream consumers of ITEM", []),
        ("dependents", "what depends on the things that depend on ITEM", ["depend"]),
        ("dependents", "what uses the services on ITEM", ["services"]),
        ("dependents", "what uses the dependencies of ITEM", ["uses", "dependencies"]),
        ("item-changes", "changes of the changes of ITEM", ["changes"]),
        ("dependents", "how many services depend on ITEM", ["how", "many"]),
        ("dependents", "what depended on ITEM", ["depended"]),
        ("dependencies", "upstream services of ITEM", []),
        ("dependencies", "what does ITEM need to run", []),
        ("dependencies", "what did ITEM use", ["did"]),
        ("impact", "what fails if ITEM fails", []),
        ("impact", "what affects ITEM", ["affects item"]),
        ("impact", "is ITEM down", ["is item"]),
        ("impact", "failure of ITEM", []),
        ("impact", "failures of ITEM", ["failures"]),
        ("owner", "who do I contact about ITEM", []),
        ("owner", "who contacts ITEM", ["who contacts"]),
        ("owner", "who can contact ITEM", ["who can contact"]),
        ("owner", "who does ITEM contact", ["item contact"]),
        ("waiting-approvals", "what needs to be approved", []),
        ("waiting-approvals", "what is approved", ["approved"]),
        ("waiting-approvals", "approved runs", ["approved"]),
        ("waiting-approvals", "how many runs wait", []),
        ("waiting-approvals", "how many approvals are pending", ["many approval"]),
        ("item-approvals", "who is allowed to approve the restart of ITEM", []),
        ("item-approvals", "who is allowed to restart ITEM", ["allowed to"]),
        ("item-approvals", "who needs permission for ITEM", ["needs permission"]),
        ("dependents", "what runs on ITEM", []),
        ("dependents", "who is running ITEM", ["running item"]),
        ("dependents", "upstream users of ITEM", ["upstream", "users"]),
        ("dependents", "upstream services that use ITEM", ["upstream", "use"]),
        ("dependents", "downstream services that depend on ITEM", []),
        ("dependencies", "downstream dependencies of ITEM", ["downstream", "dependencies"]),
        ("dependencies", "what does ITEM run on", []),
        ("dependencies", "what does ITEM run", ["what does item run"]),
        ("team-incidents", "what is TEAM working on now", []),
        ("team-incidents", "what works with TEAM", ["works"]),
        ("team-incidents", "what works on TEAM", ["works on team"]),
        ("team-incidents", "every open incident of TEAM", []),
        ("team", "every member of TEAM", ["every"]),
        ("team", "who owns TEAM", ["owns team"]),
        ("team", "who works with TEAM", ["works with"]),
        ("item-requirements", "requirements that ITEM must fulfil", []),
        ("item-requirements", "which requirements does ITEM have to meet", []),
        ("item-requirements", "requirements that ITEM fulfils", ["requirements that item fulfils"]),
        ("path", "what is between ITEM and ITEM", []),
        ("path", "does ITEM depend on ITEM", []),
        ("path", "what depends on ITEM and ITEM", ["what depends on item and", "depends on item"]),
    ],
)
def test_ignored_words(operation: str, text: str, words: list[str]) -> None:
    assert ignored(operation, text) == words


def test_one_list_of_priorities_is_a_value() -> None:
    assert ignored("incidents", "priority incidents", (1,)) == []
    assert ignored("incidents", "priority and also priority incidents", (1, 2)) == ["priority", "and", "also"]
    assert ignored("incidents", "priority incidents", (2,), (">",)) == [">"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("priority incidents on ITEM", []),
        ("priority on the ITEM", []),
        ("from priority on incidents of ITEM", ["from", "on"]),
        ("incidents of ITEM from priority on", ["from", "on"]),
        ("incidents of ITEM up to priority", ["up", "to"]),
        ("incidents of ITEM of priority to", ["to"]),
    ],
)
def test_one_end_of_a_range_of_priorities_is_no_value(text: str, words: list[str]) -> None:
    assert ignored("item-incidents", text, (2,)) == words


CONDITIONS = [
    "not", "no", "without", "except", "non", "but", "above", "below", "over", "than", "least", "most", "only", "first",
    "last", "top", "two", "5", "oldest", "newest", "yesterday", "today", "before", "since", "my", "me", "his", "alice",
    "direct", "critical", "or", "zzyzx",
]  # fmt: skip


@given(st.sampled_from(sorted(OPERATIONS)), st.sampled_from(CONDITIONS), st.integers(0, 8))
def test_a_condition_is_never_ignored_silently(name: str, condition: str, place: int) -> None:
    operation = OPERATIONS[name]
    words = operation.examples[0].replace("{item}", "ITEM").replace("{team}", "TEAM").split()
    text = " ".join([*words[:place], condition, *words[place:]])
    # 'Before' is a cue of approvals, and 'show me' addresses the service.
    if condition not in {"me", *operation.words}:
        assert condition in " ".join(ignored(name, text)).split()
