"""The choice of a model for a task: the cheapest that meets every constraint, with the reasons of all refusals.

A chain of one call and at most one escalation, as in FrugalGPT (Chen et al. 2023, https://arxiv.org/abs/2305.05176),
but with constraints instead of a learnt score, so that each decision can be explained.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from datasources.language.port import TaskKind
from resolvers.models.catalog import Model
from resolvers.models.complexity import rate_complexity


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is called for, and what the call may cost.

    `context_tokens` is an upper bound of the prompt, `output_tokens` the maximum of the reply. `budget_usd` is for this
    call and its fallbacks, `team_budget_usd` what the team may still use today. `min_tier` raises the tier for an
    escalation; `items` is the number of configuration items that the question is about.
    """

    kind: TaskKind
    question: str
    context_tokens: int
    output_tokens: int
    latency_seconds: float
    budget_usd: float
    team_budget_usd: float = float("inf")
    min_tier: int = 1
    items: int = 0


@dataclass(frozen=True, slots=True)
class RouterDecision:
    """The chosen model, None for none; the order of the next ones if it fails; and why each other one was refused.

    `tier` is the least tier that the task needs, as `score` and `features` of its question say.
    """

    model: str | None
    fallbacks: tuple[str, ...]
    refusals: Mapping[str, tuple[str, ...]]
    tier: int
    score: float
    features: Mapping[str, int]

    @property
    def reason(self) -> str:
        """Why this model was chosen, or none, in a sentence without a text of the task."""
        if self.model is not None:
            count = len(self.fallbacks) + 1
            return f"The cheapest of {count} of {count + len(self.refusals)} models, of tier {self.tier} or more."
        if not self.refusals:
            return "There is no model."
        refused = "; ".join(f"{model}: {', '.join(reasons)}" for model, reasons in self.refusals.items())
        return f"No model meets all constraints. {refused}."


def route(task: Task, models: Sequence[Model], is_open: Callable[[str], bool]) -> RouterDecision:
    """Choose a model: of those that meet all constraints the cheapest, then the fastest, then the first by id.

    `is_open` says whether the breaker of a model is open. No model is an answer too: then there is none to call.
    """
    complexity = rate_complexity(task.kind, task.question, task.items)
    # No task needs more than there is.
    tier = min(max(complexity.tier, task.min_tier), max((model.tier for model in models), default=1))
    refusals: dict[str, tuple[str, ...]] = {}
    accepted: list[tuple[float, float, str]] = []
    for model in models:
        cost = model.worst_cost(task.context_tokens, task.output_tokens)
        seconds = model.worst_seconds(task.output_tokens)
        reasons = list_refusals(task, model, tier, cost, seconds)
        if is_open(model.id):
            reasons = (*reasons, "its breaker is open")
        if reasons:
            refusals[model.id] = reasons
        else:
            accepted.append((cost, seconds, model.id))
    ids = [id_ for _, _, id_ in sorted(accepted)]
    return RouterDecision(
        ids[0] if ids else None, tuple(ids[1:]), refusals, tier, complexity.score, complexity.features
    )


def list_refusals(task: Task, model: Model, tier: int, cost: float, seconds: float) -> tuple[str, ...]:
    """Return why a model cannot take a task that needs this tier, at this cost in USD and in so many seconds."""
    tokens = task.context_tokens + task.output_tokens
    checks = (
        (model.tier < tier, f"tier {model.tier} is below {tier}"),
        (tokens > model.context_tokens, f"{tokens:,} tokens exceed its context of {model.context_tokens:,}"),
        (
            task.output_tokens > model.output_tokens,
            f"a reply of {task.output_tokens:,} tokens exceeds its {model.output_tokens:,}",
        ),
        (
            seconds > task.latency_seconds,
            f"{seconds:.1f} s for 19 of 20 calls exceed the {task.latency_seconds:.1f} s that are left",
        ),
        (cost > task.budget_usd, f"up to {cost:.4f} USD exceed the request's {task.budget_usd:.4f}"),
        (cost > task.team_budget_usd, f"up to {cost:.4f} USD exceed the team's {max(task.team_budget_usd, 0):.4f}"),
    )
    return tuple(reason for refused, reason in checks if refused)
