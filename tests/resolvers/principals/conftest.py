"""An issuer, a clock that is moved by hand, and a verifier of the issuer's tokens."""

from collections.abc import AsyncIterator

import httpx
import pytest

from resolvers.principals.signing_keys import SigningKeys
from resolvers.principals.tokens import TokenVerifier
from tests.resolvers.principals.issuer import AUDIENCE, Issuer


class Clock:
    """Seconds that stand until they are moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    found = Issuer()
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def keys(issuer: Issuer, clock: Clock) -> AsyncIterator[SigningKeys]:
    async with httpx.AsyncClient(timeout=5) as client:
        yield SigningKeys(client, issuer.url, max_age=3_600, max_stale=86_400, interval=15, clock=clock)


@pytest.fixture
def verifier(issuer: Issuer, keys: SigningKeys) -> TokenVerifier:
    return TokenVerifier(keys, issuer.url, AUDIENCE)
