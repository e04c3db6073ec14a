"""Proofs: only the asker verifies, and each sentence has the verdict that its source deserves now."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import psycopg
import pytest

from datasources.aurora.answers import proofs
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import use_request
from resolvers.answers.answer import Answer, CitedSentence
from resolvers.answers.proofs import HIDDEN_TEXT, SentenceVerdict, Verdict, VerdictReason, store_answer, verify_answer
from resolvers.answers.use_cases import ask
from resolvers.context import Context
from tests.fixtures.answers import REDIS, Library, open_library
from tests.fixtures.operations import DOCUMENT, TEAM, uuid

OTHER = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def library(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Library]:
    name = f"proofs_{abs(hash(request.node.name))}"
    async with open_library(postgres, name) as opened:
        yield opened


def execute(library: Library, statement: str, *bound: object) -> list[tuple[object, ...]]:
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), bound)
        return cursor.fetchall() if cursor.description else []


async def store(context: Context, question: str, about: Sequence[str] = ()) -> tuple[str, Answer]:
    with use_request(context.request):
        answer = await ask(context, question, about)
        return await store_answer(context, answer), answer


async def verify(context: Context, id: str) -> list[SentenceVerdict] | None:
    with use_request(context.request):
        return await verify_answer(context, id)


def short(verdicts: list[SentenceVerdict] | None) -> list[tuple[Verdict, VerdictReason]]:
    return [(each.verdict, each.reason) for each in verdicts or ()]


HELD = (Verdict.HOLDS, VerdictReason.SAME)
GONE = (Verdict.GONE, VerdictReason.NO_SOURCE)


async def test_an_unchanged_answer_holds(library: Library) -> None:
    id, answer = await store(library.context(), "promote the replica with the highest offset", [REDIS])
    verdicts = await verify(library.context(), id)
    assert verdicts is not None
    assert [each.text for each in verdicts] == [each.text for each in answer.sentences]
    assert short(verdicts) == [HELD] * len(answer.sentences)
    assert [each.number for each in verdicts] == list(range(1, len(answer.sentences) + 1))


async def test_the_proof_has_chunks_hashes_versions_and_relationships(library: Library) -> None:
    id, _ = await store(library.context(), "promote the replica with the highest offset", [REDIS])
    stored = await proofs.fetch(library.sources.main, id, library.context().principal.actor)
    assert stored is not None
    fact = stored[0].citations[0]
    assert (fact.item_id, fact.item_version) == (REDIS, 7)
    assert fact.relationship_ids == [uuid("c", 1), uuid("c", 2)]
    lines = stored[-1].citations[0]
    assert lines.document_id == uuid(DOCUMENT, 1)
    assert lines.content_hash is not None
    assert lines.chunk_id is not None


async def test_another_caller_finds_nothing(library: Library) -> None:
    id, _ = await store(library.context(), "rb-rack")
    execute(library, "UPDATE answers SET actor = 'USER:other'")
    assert await verify(library.context(), id) is None
    assert await verify(library.context(), OTHER) is None


async def test_moved_reworded_and_changed_sentences(library: Library) -> None:
    context = library.context()
    id, answer = await store(context, "rb-redis promote the replica with the highest offset")
    texts = [each.text for each in answer.sentences]
    assert texts[0] == "Pick the replica with the highest offset."
    execute(
        library,
        "UPDATE document_chunks SET content_hash = 'x', first_line = first_line + 10, last_line = last_line + 10, "
        "body = replace(replace(body, 'Never promote two replicas', 'Promote both replicas'), "
        "'Promote the replica:', 'Then promote the replica:') WHERE document_id = %s AND position = 1",
        uuid(DOCUMENT, 1),
    )
    found = dict(zip(texts, await verify(library.context(), id) or [], strict=True))
    picked = found["Pick the replica with the highest offset."]
    first_line = answer.sentences[0].citations[0].first_line
    assert (picked.verdict, picked.reason) == (Verdict.HOLDS, VerdictReason.MOVED)
    assert picked.first_line == (first_line or 0) + 10
    promoted = next(each for text, each in found.items() if text.startswith("Promote the replica"))
    assert (promoted.verdict, promoted.reason) == (Verdict.HOLDS, VerdictReason.SUPPORTED)
    assert short([found["Never promote two replicas."]]) == [(Verdict.CHANGED, VerdictReason.NOT_IN_DOCUMENT)]


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE documents SET restricted_team_id = '{uuid(TEAM, 1)}' WHERE key = 'RB-RACK'",
        "DELETE FROM documents WHERE key = 'RB-RACK'",
    ],
    ids=["restricted", "deleted"],
)
async def test_a_hidden_document_is_as_gone_as_a_deleted_one(library: Library, change: str) -> None:
    id, _ = await store(library.context(), "rb-rack")
    execute(library, change)
    assert await verify(library.context(), id) == [
        SentenceVerdict(1, HIDDEN_TEXT, Verdict.GONE, VerdictReason.NO_SOURCE)
    ]


async def test_a_visible_source_that_does_not_support_a_sentence_shows_none_of_a_hidden_one(library: Library) -> None:
    context = library.context()
    _, rack = await store(context, "rb-rack")
    _, node = await store(context, "rb-node drain the node")
    [rack_citation], [node_citation] = rack.sentences[0].citations, node.sentences[0].citations
    texts = [rack.sentences[0].text, node.sentences[0].text]
    both = [CitedSentence(text, (rack_citation, node_citation)) for text in texts]
    with use_request(context.request):
        id = await store_answer(context, Answer(rack.status, "", tuple(both), (), rack.passages + node.passages, 0))
    assert [each.text for each in await verify(library.context(), id) or []] == texts
    execute(library, "UPDATE documents SET restricted_team_id = %s WHERE key = 'RB-RACK'", uuid(TEAM, 1))
    hidden, held = await verify(library.context(), id) or []
    assert (hidden.text, hidden.verdict) == (HIDDEN_TEXT, Verdict.GONE)
    assert (held.text, held.verdict) == (texts[1], Verdict.HOLDS)


async def test_a_fact_names_no_incident_that_was_restricted_since(library: Library) -> None:
    id, answer = await store(library.context(), "open incidents of redis", [REDIS])
    text = "redis has 1 open incident: INC1 (priority 2) Redis lost its primary."
    place = [each.text for each in answer.sentences].index(text)
    execute(library, "UPDATE incidents SET title = 'Redis lost power' WHERE number = 'INC1'")
    fact = "redis has 1 open incident: INC1 (priority 2) Redis lost power."
    changed = SentenceVerdict(place + 1, text, Verdict.CHANGED, VerdictReason.OTHER_FACT, fact)
    assert (await verify(library.context(), id) or [])[place] == changed
    execute(library, "UPDATE incidents SET restricted_team_id = %s WHERE number = 'INC1'", uuid(TEAM, 1))
    hidden = replace(changed, text=HIDDEN_TEXT, fact="redis has no open incident.")
    assert (await verify(library.context(), id) or [])[place] == hidden


async def test_a_fact_that_changed_says_what_is_true_now(library: Library) -> None:
    id, _ = await store(library.context(), "who depends on redis", [REDIS])
    execute(library, "DELETE FROM relationships WHERE id = %s", uuid("c", 1))
    verdicts = await verify(library.context(), id)
    assert verdicts is not None
    assert verdicts[1] == SentenceVerdict(
        2,
        "1 item depends directly on redis: shop.",
        Verdict.CHANGED,
        VerdictReason.OTHER_FACT,
        "Nothing depends on redis.",
    )
    assert short(verdicts[:1]) == [HELD]


async def test_a_fact_without_its_permission_is_gone(library: Library) -> None:
    id, _ = await store(library.context(), "who depends on redis", [REDIS])
    verdicts = await verify(library.context(without="relationships:read"), id)
    assert short(verdicts)[:4] == [HELD, GONE, GONE, HELD]
    assert verdicts is not None
    assert [each.text == HIDDEN_TEXT for each in verdicts[:4]] == [False, True, True, False]
    assert set(short(await verify(library.context(without="configuration-items:read"), id))[:4]) == {GONE}


async def test_a_sentence_without_a_source_is_gone(library: Library) -> None:
    context = library.context()
    _, answer = await store(context, "rb-rack")
    bare = Answer(answer.status, "", (CitedSentence("Invented.", ()),), (), (), 0)
    with use_request(context.request):
        id = await store_answer(context, bare)
    assert short(await verify(library.context(), id)) == [GONE]


async def test_answers_are_deleted_after_their_days(library: Library) -> None:
    await store(library.context(), "rb-rack")
    old, _ = await store(library.context(), "rb-rack")
    execute(library, "UPDATE answers SET created_at = now() - interval '30 days 1 minute' WHERE id = %s", old)
    assert await proofs.purge(library.sources.main, 30, 10) == 1
    assert await verify(library.context(), old) is None
