"""From an Authorization header to a principal."""

import pytest

from datasources.records.api_keys import ApiKeyRecord
from resolvers.principals import errors
from resolvers.principals.api_keys import generate_api_key
from resolvers.principals.authentication import authenticate
from resolvers.principals.principal import Principal, development_principal
from resolvers.principals.tokens import TokenVerifier
from tests.resolvers.principals.issuer import Issuer

DEVELOPER = development_principal(loopback=True, issuer=None)


class Lookups:
    """What was looked up; nothing is ever found."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []

    async def __call__(self, key_hash: bytes) -> ApiKeyRecord | None:
        self.hashes.append(key_hash)
        return None


async def ask(header: str | None, development: Principal | None = None) -> Principal:
    return await authenticate(header, tokens=None, find_api_key=Lookups(), development=development)


async def test_no_header() -> None:
    assert await ask(None, DEVELOPER) is DEVELOPER
    with pytest.raises(errors.MissingCredentials):
        await ask(None)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token", "Bearer é"])
async def test_malformed_header_is_refused_also_for_the_developer(header: str) -> None:
    with pytest.raises(errors.MalformedCredentials):
        await ask(header, DEVELOPER)


async def test_token_is_refused_where_no_issuer_is_set() -> None:
    with pytest.raises(errors.TokensNotAccepted):
        await ask("Bearer a.b.c", DEVELOPER)


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER   {} "])
async def test_token_of_the_issuer(issuer: Issuer, verifier: TokenVerifier, header: str) -> None:
    text = header.format(issuer.token())
    found = await authenticate(text, tokens=verifier, find_api_key=Lookups(), development=None)
    assert found.subject == "ada"


async def test_key_is_looked_up_once_by_its_hash_and_not_at_all_when_miswritten() -> None:
    key, lookups = generate_api_key(), Lookups()
    for text in (key.text, key.text + "x", key.text[:-1], "sfk_"):
        with pytest.raises(errors.UnknownApiKey):
            await authenticate(f"Bearer {text}", tokens=None, find_api_key=lookups, development=DEVELOPER)
    assert lookups.hashes == [key.hash]


def test_every_reason_is_one_line_of_its_own() -> None:
    reasons: list[type[errors.AuthenticationFailed]] = [
        errors.IssuerUnavailable,
        *errors.Unauthenticated.__subclasses__(),
    ]
    messages = [str(reason()) for reason in reasons]
    assert len(set(messages)) == len(messages) == 13
    assert all(message.endswith(".") and "\n" not in message for message in messages)
