"""Forms of sentences: quantities with their nouns, conditions, negations and relations, and the law of copies."""

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from resolvers.answers.faithfulness import Rule, check_sentence
from resolvers.answers.forms.conditions import (
    Condition,
    keeps_conditions,
    keeps_exceptions,
    keeps_modals,
    keeps_negations,
    keeps_possibility,
    keeps_suppositions,
    list_conditions,
)
from resolvers.answers.forms.exchanges import keeps_places
from resolvers.answers.forms.prohibitions import keeps_prohibitions
from resolvers.answers.forms.quantifiers import keeps_quantities, list_quantities
from resolvers.answers.forms.relations import SEQUENCE, Relation, keeps_relations, list_relations
from resolvers.answers.forms.tokens import MAX_TOKENS, read_tokens

FORMS = Path(__file__).parents[3] / "bench" / "faithfulness" / "forms.yaml"
SOURCE = """# Replicas

Restart each node of the cache. The cluster has two replicas. Only the leader accepts writes.

Promote a replica unless it lags. Pick the replica with the most votes. Do not delete the index.

Drain the node before you stop the service. Copy the snapshot from the primary to the standby.
The exporter is restarted by the supervisor. At least five shards are open.
"""
WORDS = """
restart node nodes replica leader index service every all both two only at least most no not never unless except without
until before after if when then from to by over than is the a of and , ; . 3
"""


def rule(sentence: str) -> Rule | None:
    rejection = check_sentence(sentence, SOURCE)
    return rejection.rule if rejection else None


@pytest.mark.parametrize(
    "sentence",
    [
        "Restart every node of the cache.",
        "Restart all nodes of the cache.",
        "Writes are accepted by the leader only.",
        "Promote a replica if it does not lag.",
        "Promote a replica. Do not do so if it lags.",
        "Don't delete the index.",
        "Before you stop the service, drain the node.",
        "Drain the node, then stop the service.",
        "The snapshot is copied from the primary to the standby.",
        "The supervisor restarts the exporter.",
        "Five or more shards are open.",
        "No fewer than five shards are open.",
    ],
)
def test_the_same_form_in_other_words_is_accepted(sentence: str) -> None:
    assert rule(sentence) is None


@pytest.mark.parametrize(
    ("sentence", "broken"),
    [
        ("Restart two nodes of the cache.", Rule.QUANTIFIER),
        ("Restart one node of the cache.", Rule.QUANTIFIER),
        ("Every cluster has two replicas.", Rule.QUANTIFIER),
        ("Only the cluster has two replicas.", Rule.QUANTIFIER),
        ("At most five shards are open.", Rule.QUANTIFIER),
        ("Five shards are open.", Rule.QUANTIFIER),
        ("Most shards are open.", Rule.QUANTIFIER),
        ("Promote a replica.", Rule.EXCEPTION),
        ("Promote a replica that lags.", Rule.EXCEPTION),
        ("Drain the node.", Rule.EXCEPTION),
        ("Never pick the replica with the most votes.", Rule.NEGATION),
        ("Delete the index, but do not pick the replica with the most votes.", Rule.NEGATION),
        ("Stop the service before you drain the node.", Rule.ORDER),
        ("Drain the node after you stop the service.", Rule.POLARITY),
        ("Copy the snapshot from the standby to the primary.", Rule.ORDER),
        ("The exporter restarts the supervisor.", Rule.ORDER),
        ("The supervisor is restarted by the exporter.", Rule.ORDER),
    ],
)
def test_another_form_with_the_same_words_is_rejected(sentence: str, broken: Rule) -> None:
    assert rule(sentence) is broken


def test_phrases_are_one_token() -> None:
    words = [token.word for token in read_tokens("No more than 2, two or more, instead of `a`, only if it is not.")]
    assert words == ["atmost", "2", ",", "atleast", "two", ",", "insteadof", "a", ",", "onlyif", "it", "is", "not"]


def test_quantities_have_their_noun() -> None:
    found = list_quantities(read_tokens("At least two of the old nodes, both replicas, most of the time, and 10m."))
    assert [(each.kind, [token.word for token in each.noun]) for each in found] == [
        ("atleast 2", ["old", "nodes"]),
        ("all", ["replicas"]),
        ("2", ["replicas"]),
        ("most", ["time"]),
        ("10m", []),
    ]


def test_a_condition_may_come_first() -> None:
    for text in ("Unless it lags, promote the replica.", "Promote the replica unless it lags."):
        [condition] = list_conditions(read_tokens(text))
        assert condition == Condition("unless", frozenset({"promot", "replica"}), frozenset({"lag"}))


@pytest.mark.parametrize(
    ("text", "evidence", "is_same"),
    [
        ("Gitaly calls Praefect.", "Praefect calls Gitaly.", False),
        ("Stop beta but not alpha.", "Stop alpha but not beta.", False),
        ("Alpha has 5 disks and beta has 3 disks.", "Alpha has 3 disks and beta has 5 disks.", False),
        ("Beta has 5 disks and alpha has 3 disks.", "Alpha has 3 disks and beta has 5 disks.", True),
        ("In the zone, stop the node by hand.", "Stop the node by hand in the zone.", True),
        ("The cache typically has shards.", "Typically the cache has shards.", True),
        ("Stop the proxy, the cache and the node.", "Stop the node, the cache and the proxy.", True),
        ("Praefect calls Gitaly now.", "Gitaly calls Praefect.", True),
    ],
)
def test_two_words_are_not_exchanged(text: str, evidence: str, is_same: bool) -> None:
    assert keeps_places(read_tokens(text), read_tokens(evidence)) is is_same


def test_what_may_happen_is_no_fact() -> None:
    evidence = read_tokens("A stop can corrupt the index, and you can restart it.")
    assert not keeps_possibility(read_tokens("A stop corrupts the index."), evidence)
    assert keeps_possibility(read_tokens("A stop might corrupt the index."), evidence)
    assert keeps_possibility(read_tokens("Restarts are possible."), evidence)


def test_a_supposition_is_no_fact() -> None:
    check = read_tokens("Check whether the disk is full.")
    assert not keeps_suppositions(read_tokens("The disk is full."), check)
    assert keeps_suppositions(read_tokens("Check the disk."), check)
    assert keeps_suppositions(read_tokens("If the disk is full, check it."), check)
    assert keeps_suppositions(read_tokens("The disk is full."), read_tokens("The disk is full."))


def test_an_exception_is_only_exchanged_for_a_denial() -> None:
    assert not keeps_exceptions(["fails", "if", "set"], ["fails", "unless", "set"])
    assert not keeps_exceptions(["fails", "unless", "set"], ["fails", "if", "set"])
    assert keeps_exceptions(["fails", "if", "not", "set"], ["fails", "unless", "set"])


def test_what_is_not_needed_is_not_forbidden() -> None:
    no_need, forbidden = read_tokens("You do not need to stop it."), read_tokens("You must not stop it.")
    assert not keeps_modals(forbidden, [no_need])
    assert not keeps_modals(no_need, [forbidden])
    assert keeps_modals(forbidden, [no_need, forbidden])
    assert keeps_modals(read_tokens("Never stop it."), [forbidden])


@pytest.mark.parametrize(
    ("text", "is_same"),
    [
        ("Run `a --x`.", False),
        ("Run a --x on the leader, not on a replica.", False),
        ("Do not run `a --x`.", True),
        ("`a --x` should never be run.", True),
        ("Use `b_1` or `b_2`.", False),
        ("Use `c_1`.", True),
        ("Use `d_1`.", True),
        ("Stop it after `e_1`.", True),
    ],
)
def test_a_command_that_is_only_forbidden_is_not_advised(text: str, is_same: bool) -> None:
    sentences = [
        "Never run the old `a --x` on the leader.",
        "Do not use `b_1` or `b_2`, use `c_1`.",
        "Do not use `d_1` by hand.",
        "The job runs `d_1`.",
        "Do not stop it before `e_1`.",
    ]
    assert keeps_prohibitions(text, sentences) is is_same


@pytest.mark.parametrize(
    "text",
    [
        "Drain the node before you stop the service.",
        "Before you stop the service, drain the node.",
        "Stop the service after you drain the node.",
        "Do not stop the service until you drain the node.",
        "Drain the node, then stop the service.",
    ],
)
def test_what_comes_first_is_on_the_left(text: str) -> None:
    [relation] = list_relations(read_tokens(text))
    assert relation == Relation(SEQUENCE, frozenset({"drain", "nod"}), frozenset({"stop", "servic"}))


def test_an_endless_sentence_is_read_to_a_bound() -> None:
    assert len(read_tokens("if a before b " * 1_000)) == MAX_TOKENS
    check_sentence("if a before b then c " * 500, "if a before b then c " * 1_500)


@given(st.lists(st.sampled_from(WORDS.split()), max_size=30).map(" ".join))
@example("3 , not 3")
def test_a_copy_keeps_every_form(text: str) -> None:
    tokens = read_tokens(text)
    assert keeps_quantities(tokens, [tokens])
    assert keeps_relations(tokens, [tokens])
    assert keeps_conditions(tokens, tokens, tokens)
    assert keeps_negations(tokens, [tokens])
    assert keeps_modals(tokens, [tokens])
    assert keeps_possibility(tokens, tokens)
    assert keeps_places(tokens, tokens)
    assert keeps_exceptions(text.split(), text.split())
    assert keeps_prohibitions(text, [text])


def test_floors_on_the_set() -> None:
    rejected: dict[tuple[str, str], list[bool]] = {}
    for sets in yaml.safe_load(FORMS.read_text()).values():
        for name, entries in sets.items():
            for entry in entries:
                for verdict in ("unfaithful", "faithful"):
                    for sentence in entry[verdict]:
                        found = check_sentence(sentence, entry["source"]) is not None
                        rejected.setdefault((name, verdict), []).append(found)
    counts = {key: (sum(each), len(each)) for key, each in rejected.items()}
    assert counts == {
        ("tuning", "unfaithful"): (71, 71),
        ("tuning", "faithful"): (1, 61),
        ("unseen", "unfaithful"): (27, 30),
        ("unseen", "faithful"): (1, 23),
    }
