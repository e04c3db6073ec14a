"""Speeds: those of the ledger replace the assumed ones when there are twenty calls."""

import pytest

from datasources.aurora.ai_usage.calls import fetch_speeds
from datasources.sources import Sources
from resolvers.models.catalog import load_catalog
from resolvers.models.speeds import ModelSpeeds
from tests.fixtures.models import rows

SMALL, LARGE = "us.test.small", "us.test.large"
INSERT = """
INSERT INTO ai_calls (id, request_id, team, actor, operation, model, called_at, output_tokens, seconds,
                      first_token_seconds, failure, expires_at)
SELECT gen_random_uuid(), 'r', '', 'USER:ada', 'ANSWER', %s, now() - %s::interval, 100, n, {first}, %s, {expires}
FROM generate_series(1, %s) n RETURNING 1
"""


def insert(
    url: str,
    model: str,
    count: int,
    failure: str = "",
    age: str = "1 hour",
    first: str = "n / 10.0",
    expires: str = "NULL",
) -> None:
    rows(url, INSERT.format(first=first, expires=expires), model, age, failure, count)


async def test_quantiles_of_the_last_calls(sources: Sources, url: str) -> None:
    insert(url, SMALL, 20)
    insert(url, SMALL, 5, "THROTTLED")
    insert(url, SMALL, 30, age="8 days")
    insert(url, SMALL, 30, expires="now() + interval '1 minute'")
    [speed] = (await fetch_speeds(sources.main, [SMALL, LARGE])).values()
    assert (speed.model, speed.calls, speed.failures, speed.first_tokens) == (SMALL, 20, 5, 20)
    assert speed.first_token_p50 == pytest.approx(1.05)
    assert speed.first_token_p95 == pytest.approx(1.905)
    # 100 tokens in 0.9 n seconds.
    assert speed.rate_p50 == pytest.approx((100 / 9 + 100 / 9.9) / 2)
    assert speed.rate_p5 == pytest.approx(100 / 18 + 0.95 * (100 / 17.1 - 100 / 18))


async def test_assumed_speeds_until_there_are_twenty_calls(sources: Sources, url: str) -> None:
    insert(url, SMALL, 19)
    insert(url, LARGE, 20, first="NULL")
    models = load_catalog(sources.language_settings.models).models
    now = 0.0
    speeds = ModelSpeeds(models, lambda: now)
    small, large = await speeds.models(sources.main)
    assert small == models[0]
    # Calls that were not streamed say nothing of the first token.
    assert large.speed.first_token_seconds == models[1].speed.first_token_seconds
    assert large.speed.tokens_per_second.p50 == pytest.approx((100 / 10 + 100 / 11) / 2)
    insert(url, SMALL, 1)
    now = 59.0
    assert (await speeds.models(sources.main))[0] == models[0]
    now = 60.0
    assert (await speeds.models(sources.main))[0].speed.first_token_seconds.p50 == pytest.approx(0.95)
