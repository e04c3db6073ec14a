"""Usage of language models: cost, tokens, speed, results of gate and cache, budgets and alerts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
import strawberry
from msgspec import Meta, Struct

from datasources.records.ai_usage import AiUsageTotals as Totals
from resolvers.ai_usage import use_cases
from resolvers.ai_usage.alerts import AiAlert as Alert
from resolvers.ai_usage.alerts import AiAlertKind
from resolvers.ai_usage.use_cases import MAX_DAYS, MAX_DAYS_BY_HOUR, MAX_ROWS, AiUsageGroup
from resolvers.context import Context
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, field
from schema.declarations.inputs import input_of

READ_PERMISSION = "ai-usage:read"
# Reading the ledger of a month takes the database longer than its few rows take Python.
USAGE_COST = 1_000

register_enum(
    AiUsageGroup,
    "What each row of a report stands for.",
    MODEL="A model, by its id; look-ups in the semantic cache have the empty key.",
    OPERATION="A kind of task: `ANSWER`, `SUMMARY` or `OPERATION`.",
    TEAM="A team, by its key; callers in no team have the empty key.",
    DAY="A day in UTC, such as `2026-01-31`.",
    HOUR="An hour in UTC, such as `2026-01-31T12:00Z`.",
)
register_enum(
    AiAlertKind,
    "What is unusual.",
    SPEND_ANOMALY="The last hour cost far more than the same hour of former weeks.",
    HOURLY_CEILING="A team spent more than a sixth of the limit of a day in the last hour.",
    BUDGET="A team used more than 80% of its budget of today.",
    THROTTLES="The provider throttled more than 5% of the calls of the last hour.",
    HIT_RATE="The semantic cache answered far less in the last day than in the week before.",
    ANSWER_COST="An answered question cost more than twice as much in the last day as in the week before.",
)


class AiUsageRange(Struct, frozen=True):
    """A period: from one time until before another."""

    start: Annotated[datetime, Meta(description="The first moment.")] = msgspec.field(name="from")
    end: Annotated[datetime | None, Meta(description="The moment after the last one; by default now.")] = msgspec.field(
        name="to", default=None
    )


RANGE = input_of(AiUsageRange)


@strawberry.type(description="What the calls of one group used. Nothing of a question or a reply is stored.")
class AiUsageTotals:
    record = Totals

    key: str | None = attribute("The group; null for the totals of all of them.")
    calls: int = attribute("The number of calls of models, also of those that failed.")
    input_tokens: float = attribute("Tokens of prompts, without those of the provider's cache.")
    output_tokens: float = attribute("Tokens of replies.")
    cache_read_tokens: float = attribute("Tokens of prompts that were read from the provider's cache.")
    cache_write_tokens: float = attribute("Tokens of prompts that were written to the provider's cache.")
    usd: float = attribute("Their cost in USD, by the prices of the catalog of models; not a bill.")
    seconds_p50: float | None = attribute("The seconds that half of the calls took at most; null without a call.")
    seconds_p95: float | None = attribute("The seconds that 19 of 20 calls took at most; null without a call.")
    tokens_per_second: float | None = attribute("The median of the tokens of a reply a second; null without a call.")
    failures: int = attribute("The number of calls that failed.")
    throttles: int = attribute("The number of calls that the provider throttled; they are among the failures.")
    escalations: int = attribute("The number of replies after which an abler model was asked.")
    gate_accepted: int = attribute("The number of generated sentences that their sources support.")
    gate_rejections: int = attribute("The number of generated sentences that were dropped.")
    cache_hits: int = attribute("The number of look-ups in the semantic cache that found an answer.")
    cache_misses: int = attribute("The number of look-ups that found nothing.")
    cache_guard_refusals: int = attribute("The number of look-ups that found only an answer to another question.")
    cache_stale: int = attribute("The number of look-ups that found an answer whose sources have changed.")
    cache_agreements: int = attribute("The number of hits that were compared with a new answer, and agree with it.")
    cache_differences: int = attribute("The number of hits that differ from it; they are not given again.")
    answers: int = attribute("The number of questions that were answered, by the cache or with accepted sentences.")


def _day(budget: use_cases.AiBudget) -> str:
    return budget.record.day.isoformat()


@strawberry.type(description="What a team may spend on calls of models today (UTC).")
class AiBudget:
    record = use_cases.AiBudget

    team: str = attribute("The key of the team; empty for callers in no team.", of="record.team")
    day: str = attribute("The day, in UTC, such as `2026-01-31`.", of=_day)
    limit_usd: float = attribute("The limit of a day, `AI_USD_A_DAY`.")
    spent_usd: float = attribute("What its calls cost.", of="record.spent_usd")
    reserved_usd: float = attribute("What its calls in progress may cost.", of="record.reserved_usd")
    left_usd: float = attribute("What is left.")


@strawberry.type(description="A value beyond its threshold.")
class AiAlert:
    record = Alert

    kind: AiAlertKind = attribute("What is unusual.")
    message: str = attribute("The value and the threshold in a sentence.")
    value: float = attribute("The value: USD or a share.")
    threshold: float = attribute("The threshold that it is beyond.")
    team: str | None = attribute("The key of the team, if it is about one.")


async def _usage(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    period = RANGE.convert(arguments["range"], "range")
    return await use_cases.report_usage(context, period.start, period.end, arguments["groupBy"])


async def _budgets(context: Context, _: Any, _arguments: Mapping[str, Any]) -> Any:
    return await use_cases.report_budgets(context)


async def _alerts(context: Context, _: Any, _arguments: Mapping[str, Any]) -> Any:
    return await use_cases.report_alerts(context)


@strawberry.type(description="What language models were used for in a period, and the budgets and alerts of now.")
class AiUsage:
    record = use_cases.AiUsage

    start: datetime = attribute("The first moment of the period.", name="from")
    end: datetime = attribute("The moment after the period.", name="to")
    rows: list[AiUsageTotals] = attribute(
        f"The groups that have calls or look-ups: days and hours in order, others the costliest first; at most "
        f"{MAX_ROWS:,}.",
        size=30,
    )
    totals: AiUsageTotals = attribute("The totals of the period.")
    budgets: list[AiBudget] | None = field(
        _budgets,
        "Today's budgets of the teams that called models today, by team. One statement.",
        needs=READ_PERMISSION,
        size=10,
    )
    alerts: list[AiAlert] | None = field(
        _alerts,
        "What is unusual now, whatever the period. Three statements.",
        needs=READ_PERMISSION,
        size=5,
    )


@strawberry.type
class AiUsageQueries:
    ai_usage: AiUsage | None = field(
        _usage,
        "What language models were used for, what it cost and how fast they were, of all teams. One statement.",
        needs=READ_PERMISSION,
        arguments=(
            Argument(
                "range",
                RANGE.type,
                f"The period: at most {MAX_DAYS} days, and at most {MAX_DAYS_BY_HOUR} by `HOUR`.",
            ),
            Argument("groupBy", AiUsageGroup, "What each row stands for.", AiUsageGroup.DAY),
        ),
        cost=USAGE_COST,
    )
