"""Shadow check of the semantic cache: whether a cached answer would do as an answer from the sources of a new one."""

from collections.abc import Sequence

from datasources.aurora.answers import cache
from datasources.records.ai_calls import CacheCheck
from resolvers.answers.faithfulness import check_draft
from resolvers.answers.semantic_cache import Lookup, LookupResult
from resolvers.context import Context
from resolvers.models.results import record_cache


def compare_answers(cached: Sequence[str], sources: Sequence[str]) -> CacheCheck:
    """Return whether the faithfulness gate would pass the sentences of a cached answer with the sources of a new one.

    `sources` are the texts that the new answer cites, with their headings; none if the model found no answer. Two
    answers of a model seldom have the same words, so words are compared with the sources of both and not with each
    other. An answer that is wrong about these sources, or is about others, differs; one that answers another question
    from the same sources does not.
    """
    checked = check_draft([(sentence, sources) for sentence in cached])
    return CacheCheck.AGREES if checked.is_sufficient else CacheCheck.DIFFERS


async def record_check(context: Context, lookup: Lookup, cached: Sequence[str], sources: Sequence[str]) -> CacheCheck:
    """Compare a hit with the new answer, record it with the result, and delete the entry if it differs.

    One statement, and another to delete.
    """
    check = compare_answers(cached, sources)
    await record_cache(context, LookupResult.HIT.value, check)
    if check is CacheCheck.DIFFERS and lookup.id is not None:
        await cache.delete(context.sources.main, lookup.id)
    return check
