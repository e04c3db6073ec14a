"""Extraction: at most six sentences, none twice, in the order of documents, and of relevant passages only."""

from datasources.records.document_chunks import DocumentChunkRecord
from resolvers.answers.extraction import choose_sentences, coverage, list_candidates
from resolvers.answers.passages import GraphRelation, Passage


def passage(rank: int, document: str, position: int, body: str, *, named: bool = False) -> Passage:
    chunk = DocumentChunkRecord(
        id=f"{document}{position}",
        document_id=document,
        position=position,
        heading="heading",
        body=body,
        first_line=1,
        last_line=1,
        content_hash="hash",
    )
    return Passage(
        chunk=chunk,
        rank=rank,
        keyword_rank=rank,
        vector_rank=None,
        name_match=named,
        relation=GraphRelation.NONE,
        factor=1.0,
    )


def choose(question: str, *passages: Passage) -> list[str]:
    """The chosen sentences, with words for terms."""
    candidates = list_candidates(passages)
    texts = [*(each.sentence.text for each in candidates), *(each.chunk.heading for each in passages)]
    terms = {text: frozenset(text.lower().rstrip(".").split()) for text in texts}
    return [each.sentence.text for each in choose_sentences(dict.fromkeys(question.split(), 1.0), candidates, terms)]


def test_at_most_six_sentences_in_the_order_of_the_text() -> None:
    sentences = [f"Zebra number {n} of {n + 100}." for n in range(10)]
    assert choose("zebra number", passage(1, "a", 0, " ".join(sentences))) == sentences[:6]


def test_a_sentence_that_says_the_same_is_left_out() -> None:
    body = "Feed the old zebra hay at noon. Feed the old zebra hay at noon now. Zebra sleeps."
    assert choose("feed zebra", passage(1, "a", 0, body)) == ["Feed the old zebra hay at noon.", "Zebra sleeps."]


def test_documents_follow_their_best_passages_and_chunks_their_positions() -> None:
    found = choose(
        "zebra", passage(1, "b", 1, "Zebra one."), passage(2, "a", 0, "Zebra two."), passage(3, "b", 0, "Zebra three.")
    )
    assert found == ["Zebra three.", "Zebra one.", "Zebra two."]


def test_only_the_beginning_of_an_endless_line_is_read() -> None:
    body = "Zebra. " + "![a" * 500_000
    assert choose("zebra", passage(1, "a", 0, body))[0] == "Zebra."


def test_passages_with_less_of_the_weight_of_the_question_say_nothing() -> None:
    candidates = list_candidates([passage(1, "a", 0, "Zebra.")])
    terms = {"Zebra.": frozenset({"zebra"}), "heading": frozenset[str]()}
    for others, expected in ((0.62, ["Zebra."]), (0.63, [])):
        chosen = choose_sentences({"zebra": 0.38, "feed": others - 0.2, "hay": 0.2}, candidates, terms)
        assert [each.sentence.text for each in chosen] == expected
    assert choose_sentences({}, candidates, terms) == []
    named = list_candidates([passage(1, "a", 0, "Zebra.", named=True)])
    assert [each.sentence.text for each in choose_sentences({"feed": 1.0}, named, terms)] == ["Zebra."]


def test_coverage_counts_each_term_once() -> None:
    question = frozenset({"a", "b", "c", "d"})
    assert coverage(question, frozenset({"a", "x"}), frozenset({"a", "b"})) == 0.5
    assert coverage(question) == 0.0
    assert coverage(frozenset(), frozenset({"a"})) == 0.0
