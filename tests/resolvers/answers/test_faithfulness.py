"""Faithfulness: what each rule rejects, what it accepts, the policy for drafts, and floors on paraphrases by hand."""

from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench.faithfulness.changes import CORRUPTIONS, Original
from resolvers.answers.faithfulness import CheckedDraft, Rejection, Rule, check_draft, check_sentence

PARAPHRASES = Path(__file__).parents[3] / "bench" / "faithfulness" / "paraphrases.yaml"
SOURCE = """# Redis > Failover

Two of three nodes must answer. Ask each node for its **role** with `redis-cli role`. The limit is 1000 connections.

1. Pick the replica with the highest offset on redis-01.
2. Do not restart the primary before the failover is complete.
3. [Page the team](https://example.com/page) if `min_replicas` is above 2; see TICKET-17.
"""
TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=200)


def rule(sentence: str, source: str = SOURCE) -> Rule | None:
    rejection = check_sentence(sentence, source)
    return rejection.rule if rejection else None


@pytest.mark.parametrize(
    "sentence",
    [
        "Two of three nodes must answer.",
        "Ask every node for its role with `redis-cli role`.",
        "The replica with the highest offset is picked.",
        "Choose the replica on redis-01 that has the highest offset.",
        "Don't restart the primary before the failover is complete.",
        "Do not reboot the primary until the failover completes.",
        "If `min_replicas` is above 2, page the team (TICKET-17).",
        "The limit of connections is 1000.",
        "If `min_replicas` is above 2, page the team at https://example.com/page.",
    ],
)
def test_true_sentences_are_accepted(sentence: str) -> None:
    assert rule(sentence) is None


@pytest.mark.parametrize(
    ("sentence", "broken"),
    [
        ("The limit is 100 connections.", Rule.ATOM),
        ("The limit is 1000.5 connections.", Rule.ATOM),
        ("Pick the replica with the highest offset on redis-02.", Rule.ATOM),
        ("Ask each node for its role with `redis-cli info`.", Rule.ATOM),
        ("Page the team if max_replicas is above 2.", Rule.ATOM),
        ("Page the team if `min_replicas` is above 2; see TICKET-1.", Rule.ATOM),
        ("Ask each node for its role in Cassandra.", Rule.ATOM),
        ("Page the team at https://example.com/page?node=redis-01.", Rule.ATOM),
        ("Page the team at https://example.com.", Rule.ATOM),
        ("The certificate of the proxy expires soon.", Rule.COVERAGE),
        ("", Rule.COVERAGE),
        ("Pick the replica with the highest offset on redis-01, and archive some results.", Rule.CLAUSE),
        ("Do not restart the primary before the failover is complete, because the quorum needs votes.", Rule.CLAUSE),
        ("Pick the replica with the highest offset and delete the node.", Rule.ACTION),
        ("Pick the replica with the highest offset daily.", Rule.ACTION),
        ("Restart the primary before the failover is complete.", Rule.NEGATION),
        ("Two of three nodes must not answer.", Rule.NEGATION),
        ("Pick the replica with the lowest offset.", Rule.POLARITY),
        ("Page the team if `min_replicas` is below 2.", Rule.POLARITY),
    ],
)
def test_false_sentences_are_rejected(sentence: str, broken: Rule) -> None:
    assert rule(sentence) is broken


def test_four_words_in_a_row_that_the_source_lacks_are_rejected() -> None:
    source = "Alpha beta gamma delta epsilon zeta eta theta iota kappa."
    assert rule("Alpha beta gamma delta epsilon zeta eta theta one sun moon star.", source) is None
    assert rule("Alpha beta gamma delta epsilon zeta eta theta sky sun moon star.", source) is Rule.RUN


def test_a_draft_is_sufficient_while_a_third_is_rejected() -> None:
    true, false = ("Two of three nodes must answer.", (SOURCE,)), ("Two of nine nodes must answer 9.", (SOURCE,))
    uncited = ("Two of three nodes must answer.", ())
    atom, citation = Rejection(Rule.ATOM), Rejection(Rule.CITATION)
    assert check_draft([true, false, true]) == CheckedDraft((0, 2), ((1, atom),), True)
    assert check_draft([true, uncited]) == CheckedDraft((0,), ((1, citation),), False)
    assert check_draft([false]) == CheckedDraft((), ((0, atom),), False)
    assert check_draft([]) == CheckedDraft((), (), False)


def test_a_sentence_may_have_words_of_two_sources() -> None:
    sentence = "The cache has a limit of 100 entries, and the queue has a limit of 7 jobs."
    sources = ("The cache has a limit of 100 entries.", "The queue has a limit of 7 jobs.")
    assert check_draft([(sentence, sources)]).accepted == (0,)
    assert check_draft([(sentence, sources[:1])]).rejected == ((0, Rejection(Rule.ATOM)),)


def test_a_rejection_has_no_text() -> None:
    assert repr(check_sentence("secretpassphrase 7", SOURCE)) == "Rejection(rule=<Rule.ATOM: 'ATOM'>)"


@given(TEXT, TEXT)
def test_any_text_has_the_same_result_twice(sentence: str, source: str) -> None:
    assert check_sentence(sentence, source) == check_sentence(sentence, source)


def test_an_endless_word_takes_no_time() -> None:
    for text in ("a" * 20_000, "a_" * 10_000, "[" * 20_000, "a.b-" * 5_000, "/a" * 10_000, "`" * 20_000, "aA" * 10_000):
        check_sentence(text, text)


def test_floors_on_paraphrases_by_hand() -> None:
    random = Random(1)
    entries = [
        entry for sets in yaml.safe_load(PARAPHRASES.read_text()).values() for each in sets.values() for entry in each
    ]
    accepted = sum(check_sentence(entry["paraphrase"], entry["source"]) is None for entry in entries)
    found: dict[str, list[bool]] = {}
    for entry in entries:
        for text in (entry["source"], entry["paraphrase"]):
            for kind, change in CORRUPTIONS.items():
                changed = change(Original(text, entry["source"], entries[0]["source"], random))
                if changed:
                    found.setdefault(kind, []).append(check_sentence(changed, entry["source"]) is not None)
    shares = {kind: sum(verdicts) / len(verdicts) for kind, verdicts in found.items()}
    assert len(entries) == 76
    assert accepted >= 68
    assert shares["number changed"] == shares["name changed"] == 1
    assert shares["invented clause"] >= 0.97
    assert shares["invented clause, unseen"] >= 0.85
    assert shares["antonym"] >= 0.85
    assert shares["negation inserted"] >= 0.9
    assert shares["negation dropped"] >= 0.75
