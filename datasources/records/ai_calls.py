"""Calls of language models: what is written of each, and how fast models are."""

from datetime import date
from enum import StrEnum

from msgspec import Struct


class CacheResult(StrEnum):
    """The result of a look-up in the semantic cache."""

    HIT = "HIT"
    MISS = "MISS"
    GUARD_REFUSED = "GUARD_REFUSED"
    STALE = "STALE"


class CacheCheck(StrEnum):
    """Whether a hit agrees with a new answer to the same question."""

    AGREES = "AGREES"
    DIFFERS = "DIFFERS"


class AiCallReservation(Struct, frozen=True, kw_only=True):
    """A call that is about to be sent: the most that it can cost, and for how many seconds that is reserved.

    `operation` is the kind of task, `reason` why the router chose the model.
    """

    id: str
    request_id: str
    team: str
    actor: str
    operation: str
    model: str
    usd: float
    seconds: float
    price_as_of: date
    reason: str


class AiCallResult(Struct, frozen=True, kw_only=True):
    """What a call used and cost. `failure` is empty for success; `estimated` says whether tokens are."""

    id: str
    usd: float
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    estimated: bool = False
    seconds: float = 0.0
    first_token_seconds: float | None = None
    failure: str = ""
    provider_request_id: str = ""


class AiCacheLookup(Struct, frozen=True, kw_only=True):
    """A look-up in the semantic cache. `cache_check` is empty if it was not compared with a new answer."""

    id: str
    request_id: str
    team: str
    actor: str
    operation: str
    cache: str
    cache_check: str = ""


class AiModelSpeed(Struct, frozen=True, array_like=True):
    """How fast the last calls of a model were: seconds until the first token, and tokens a second after it.

    `calls` succeeded, `failures` failed, and `first_tokens` of the calls were streamed.
    """

    model: str
    calls: int
    failures: int
    first_tokens: int
    first_token_p50: float | None
    first_token_p95: float | None
    rate_p50: float | None
    rate_p5: float | None
