"""Results of the semantic cache and of the faithfulness gate, recorded in the ledger next to the calls of models."""

from uuid_utils import uuid7

from datasources.aurora.ai_usage import calls as ledger
from datasources.language.port import TaskKind
from datasources.observability.metrics import emit_metrics
from datasources.records.ai_calls import AiCacheLookup, CacheCheck, CacheResult
from resolvers.context import Context
from resolvers.models.calls import budget_team


async def record_cache(
    context: Context, result: str, check: CacheCheck | None = None, kind: TaskKind = TaskKind.ANSWER
) -> None:
    """Record a look-up in the semantic cache: HIT, MISS, GUARD_REFUSED or STALE. One statement.

    With a `check`, the hit was compared with a new answer, which was given and counts as the answer instead.
    """
    found = CacheResult(result)
    lookup = AiCacheLookup(
        id=str(uuid7()),
        request_id=context.request.request_id,
        team=budget_team(context),
        actor=context.principal.actor,
        operation=kind.value,
        cache=found.value,
        cache_check="" if check is None else check.value,
    )
    await ledger.insert_cache_lookup(context.sources.main, lookup)
    is_hit = found is CacheResult.HIT
    emit_metrics(AiCacheHits=float(is_hit), AiCacheMisses=float(not is_hit), AiAnswers=float(is_hit and check is None))
    if check is not None:
        emit_metrics(AiCacheAgreements=float(check is CacheCheck.AGREES))


async def record_gate(context: Context, call_id: str, accepted: int, rejected: int, *, escalated: bool) -> None:
    """Record how many sentences of a reply the gate accepted and rejected, and whether another model is asked.

    A question counts as answered if sentences are accepted and no other model is asked. One statement.
    """
    await ledger.update_gate(context.sources.main, call_id, accepted, rejected, escalated=escalated)
    emit_metrics(AiGateRejections=float(rejected), AiAnswers=float(accepted > 0 and not escalated))
