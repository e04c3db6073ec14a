"""How fast models are: learnt from the ledger, and assumed by the catalog until there are enough calls."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from msgspec.structs import replace

from datasources.aurora.ai_usage.calls import fetch_speeds
from datasources.aurora.driver.database import Database
from datasources.records.ai_calls import AiModelSpeed
from resolvers.models.catalog import FirstToken, Model, Speed, TokenRate

# Successful calls from which what is learnt replaces what is assumed.
MIN_CALLS = 20
# Seconds for which a process uses what it read.
REFRESH_SECONDS = 60.0


class ModelSpeeds:
    """The models of a catalog with their current speeds. One statement a minute."""

    def __init__(self, models: Sequence[Model], clock: Callable[[], float] = monotonic) -> None:
        self._assumed = tuple(models)
        self._current = self._assumed
        self._clock = clock
        self._read_at: float | None = None

    async def models(self, main: Database) -> Sequence[Model]:
        """Return the models. Errors are those of the main database."""
        now = self._clock()
        if self._read_at is None or now - self._read_at >= REFRESH_SECONDS:
            # Before the statement, so that concurrent callers do not send it too.
            self._read_at = now
            measured = await fetch_speeds(main, [model.id for model in self._assumed])
            self._current = tuple(apply_speed(model, measured) for model in self._assumed)
        return self._current


def apply_speed(model: Model, measured: Mapping[str, AiModelSpeed]) -> Model:
    """Return a model with its measured speed, in those parts that have enough calls."""
    found = measured.get(model.id)
    if found is None or found.calls < MIN_CALLS:
        return model
    first, rate = model.speed.first_token_seconds, model.speed.tokens_per_second
    if found.first_tokens >= MIN_CALLS and found.first_token_p50 is not None and found.first_token_p95 is not None:
        first = FirstToken(p50=found.first_token_p50, p95=found.first_token_p95)
    if found.rate_p50 and found.rate_p5:
        rate = TokenRate(p50=found.rate_p50, p5=found.rate_p5)
    return replace(model, speed=Speed(first_token_seconds=first, tokens_per_second=rate))
