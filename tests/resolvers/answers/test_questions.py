"""The form of questions: what is canonical, what has the same structure, and what depends on the time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.semantic_cache.__main__ import DUPLICATES, read_pairs, share_by_form, share_by_guard
from resolvers.answers.questions import Intent, Question, has_signs, have_same_structure, is_live, read_question


def share(one: str, other: str, *names: str) -> bool:
    return have_same_structure(read_question(one, names), read_question(other, names))


@pytest.mark.parametrize("name", ["pairs", "unseen"])
def test_no_pair_of_different_questions_shares_an_answer(name: str) -> None:
    pairs = [pair for pair in read_pairs(name) if pair.kind != DUPLICATES]
    assert len(pairs) >= {"pairs": 330, "unseen": 40}[name]
    assert [pair for pair in pairs if share_by_guard(pair) or share_by_form(pair)] == []


@pytest.mark.parametrize(("name", "least"), [("pairs", 65), ("unseen", 19)])
def test_most_pairs_of_equal_questions_share_an_answer(name: str, least: int) -> None:
    assert sum(share_by_guard(pair) for pair in read_pairs(name) if pair.kind == DUPLICATES) >= least


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where are the US servers?", "Where are the servers?"),
        ("How do I reach IT support?", "How do I reach support?"),
        ("How do I fail over zone A?", "How do I fail over the zone?"),
        ("How do I get a certificate?", "How do I give a certificate?"),
        ("Should we restart the broker?", "Did we restart the broker?"),
        ("How do I handle a disk usage alert?", "How do I handle a disk alert?"),
        ("How do I find the runner?", "How do I use the runner?"),
    ],
)
def test_a_word_that_changes_the_question_is_no_filler(one: str, other: str) -> None:
    assert not share(one, other)


@pytest.mark.parametrize("question", ["alerts > 10", "alerts < 10", "exit code -1", "build c++", "p1 & p2", "a != b"])
def test_a_sign_makes_a_question_equal_to_no_other(question: str) -> None:
    assert has_signs(question)


@pytest.mark.parametrize("question", ["restart web-01", "10.0.0.1/24", "why isn't it up?", "what is tls-1.3?"])
def test_signs_within_names_are_none(question: str) -> None:
    assert not has_signs(question)


def test_the_form_of_a_question() -> None:
    assert read_question("How do I renew the TLS certificates of the shop?") == Question(
        Intent.HOW, ("renew", "shop", "tls", "certificat")
    )
    assert read_question("why isn't web-01 in prod").words == ("why", "not", "web-01", "in", "production")
    assert read_question("who owns it").canonical == "WHO who own it"


def test_a_name_of_the_catalogue_is_compared_as_it_is_written() -> None:
    assert share("restart the runner", "restart the runners")
    assert not share("restart the runner", "restart the runners", "runner", "Runners")
    assert not share("restart the queue", "restart the queue service")
    assert not share("restart the db", "restart the database", "db")


@pytest.mark.parametrize(
    "question",
    [
        "Which incidents are open?", "what is the status of redis", "is redis down", "who is on call", "my changes",
        "changes in the last 3 days", "What changed today?", "current primary of patroni", "errors since 9",
        "is the api gateway reachable", "deployments of last week", "who is oncall", "unresolved incidents",
        "what broke this morning",
    ],
)  # fmt: skip
def test_questions_about_live_state(question: str) -> None:
    assert is_live(question)


@pytest.mark.parametrize("question", ["How do I open an incident?", "steps to drain a node", "what is a last resort"])
def test_other_questions_are_not_live(question: str) -> None:
    assert not is_live(question)


@given(st.text(max_size=100), st.text(max_size=100))
def test_the_same_structure_is_symmetric(one: str, other: str) -> None:
    assert share(one, other) == share(other, one)


@given(st.lists(st.sampled_from(["the", "of", "a", "web-01", "disk", "not", "to"]), max_size=12))
def test_any_order_of_words_has_a_form(words: list[str]) -> None:
    assert read_question(" ".join(words)) == read_question(" ".join(words).upper())
