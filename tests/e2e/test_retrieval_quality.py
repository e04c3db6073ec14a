"""Retrieval finds the runbooks that people accept: floors on the questions of bench/retrieval."""

from rich.progress import Progress

from bench.retrieval.__main__ import RANKINGS, compare, read_questions
from datasources.cache.off import NoCache
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.sources import Sources
from resolvers.documents.indexing import index_documents
from tests.fixtures.imports import DATA, MAPPINGS, Stores, names, needs_data, stores

__all__ = ["names", "stores"]

# Three points below what `python -m bench.retrieval` measured: one question is 2 points of its kind.
MIN_MRR = {"paraphrase": 0.47, "alert": 0.87, "vague": 0.47, "all": 0.60}
MIN_HIT_5 = {"paraphrase": 0.59, "alert": 0.97, "vague": 0.52, "all": 0.69}


@needs_data
async def test_answers_find_accepted_runbooks(stores: Stores) -> None:
    await stores.load(MAPPINGS / "gitlab.yaml", DATA)
    sources = Sources(stores.main, stores.requirements, RecursiveGraph(stores.main), NoCache())
    assert await index_documents(sources) == 414
    ranking = {"answers": RANKINGS["answers"], "words": RANKINGS["words"]}
    with Progress(disable=True) as progress:
        qualities = await compare(sources, read_questions(stores.url), progress, ranking)
    answers = qualities["answers"]
    assert {kind: each.mrr for kind, each in answers.items() if each.mrr < MIN_MRR[kind]} == {}
    assert {kind: each.hit_5 for kind, each in answers.items() if each.hit_5 < MIN_HIT_5[kind]} == {}
    # Words alone do not know the item of a vague question.
    assert answers["vague"].mrr > qualities["words"]["vague"].mrr + 0.1
