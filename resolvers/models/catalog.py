"""The catalog of models that may be called: tiers, limits, dated prices and assumed speeds, read from a YAML file."""

import logging
from datetime import UTC, date, datetime
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from datasources.files.formats.yaml_documents import parse_yaml
from datasources.language.port import TokenUsage

DEFAULT_PATH = Path(str(resources.files("datasources.language"))) / "models.yaml"
# Days after which prices are reported as old.
MAX_PRICE_AGE_DAYS = 60
TOKENS_A_PRICE = 1_000_000

Usd = Annotated[float, Meta(ge=0, le=100_000)]
Tokens = Annotated[int, Meta(ge=1, le=100_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=3_600)]
Rate = Annotated[float, Meta(gt=0, le=100_000)]
# Ids of inference profiles. What an id without the prefix of a region costs is not certain.
ModelId = Annotated[str, Meta(pattern=r"^[a-z]+(-[a-z]+)?\.[a-z0-9]+\.[A-Za-z0-9_.:-]+$", max_length=256)]

log = logging.getLogger("stackflow.models")


class CatalogError(Exception):
    """A catalog of models cannot be used. The message is one line with the file, the place and the remedy."""


class Price(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Prices of a prompt of more than `above_tokens` tokens, in USD for a million tokens."""

    above_tokens: Annotated[int, Meta(ge=0)] = 0
    input: Usd
    output: Usd
    cache_read: Usd
    cache_write: Usd


class FirstToken(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Seconds until the first token: half of the calls, and 19 of 20, are at least as fast."""

    p50: Seconds
    p95: Seconds


class TokenRate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Tokens a second after the first one: half of the calls, and 19 of 20, are at least as fast."""

    p50: Rate
    p5: Rate


class Speed(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How fast a model answers."""

    first_token_seconds: FirstToken
    tokens_per_second: TokenRate


class Model(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model of a provider. Tier 3 is the ablest; `output_tokens` is the maximum of one reply."""

    id: ModelId
    tier: Annotated[int, Meta(ge=1, le=3)]
    context_tokens: Tokens
    output_tokens: Tokens
    # By `above_tokens`, from 0.
    prices: tuple[Price, ...] = ()
    speed: Speed

    def price(self, prompt_tokens: int) -> Price:
        """Return the prices of a prompt with this number of tokens, those of a cache included."""
        return [each for each in self.prices if each.above_tokens < max(prompt_tokens, 1)][-1]

    def cost(self, usage: TokenUsage) -> float:
        """Return what a call cost, in USD."""
        price = self.price(usage.input + usage.cache_read + usage.cache_write)
        total = usage.input * price.input + usage.output * price.output
        return (total + usage.cache_read * price.cache_read + usage.cache_write * price.cache_write) / TOKENS_A_PRICE

    def worst_cost(self, context_tokens: int, output_tokens: int) -> float:
        """Return the most that a call with so many tokens can cost, in USD: all of the context may go to a cache."""
        price = self.price(context_tokens)
        total = context_tokens * max(price.input, price.cache_write, price.cache_read) + output_tokens * price.output
        return total / TOKENS_A_PRICE

    def worst_seconds(self, output_tokens: int) -> float:
        """Return the seconds until the last token, with the slowest usual first token and rate."""
        return self.speed.first_token_seconds.p95 + output_tokens / self.speed.tokens_per_second.p5


class ModelCatalog(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The models that may be called, with the day and the source of their prices."""

    as_of: date
    source: Annotated[str, Meta(min_length=1, max_length=200)]
    models: Annotated[tuple[Model, ...], Meta(min_length=1, max_length=50)]

    def age_days(self, today: date) -> int:
        """Return the age of the prices."""
        return (today - self.as_of).days


def load_catalog(path: Path | None = None, today: date | None = None) -> ModelCatalog:
    """Load the catalog from a file, by default that of the package. Old prices are a warning in the log.

    Raises CatalogError if it cannot be used, for example since a model has no price.
    """
    path = path or DEFAULT_PATH
    try:
        document = parse_yaml(path.read_text(encoding="utf-8-sig"))
        catalog = msgspec.convert(document, ModelCatalog)
    except OSError as error:
        raise CatalogError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        # Of the YAML, or msgspec's ValidationError, which names the place.
        raise CatalogError(f"{path}: {error}") from error
    if problem := _find_problem(catalog):
        raise CatalogError(f"{path}: {problem}")
    age = catalog.age_days(today or datetime.now(UTC).date())
    if age > MAX_PRICE_AGE_DAYS:
        log.warning("prices of models are old", extra={"as_of": str(catalog.as_of), "days": age})
    return catalog


def _find_problem(catalog: ModelCatalog) -> str | None:
    ids = [model.id for model in catalog.models]
    for model in catalog.models:
        if ids.count(model.id) > 1:
            return f"the model {model.id} is listed twice; remove one"
        if not model.prices:
            return f"the model {model.id} has no price; add it, or remove the model"
        starts = [price.above_tokens for price in model.prices]
        if starts[0] != 0 or starts != sorted(set(starts)):
            return f"the prices of {model.id} are not in order; begin with above_tokens 0, and ascend"
        if not _is_ascending(model.prices):
            return f"the model {model.id} is cheaper for longer prompts; give each price at least that of shorter ones"
    return None


def _is_ascending(prices: tuple[Price, ...]) -> bool:
    """Whether no longer prompt has a lower price. A reservation counts on it: a prompt may turn out to be shorter."""
    return all(
        a.input <= b.input and a.output <= b.output and a.cache_read <= b.cache_read and a.cache_write <= b.cache_write
        for a, b in pairwise(prices)
    )
