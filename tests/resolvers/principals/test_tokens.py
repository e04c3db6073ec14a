"""Tokens: what is read from a good one, and the one reason for which each bad one is refused."""

import base64
import hashlib
import hmac
import json
import time
from functools import partial
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from resolvers.principals import errors
from resolvers.principals.principal import PrincipalKind
from resolvers.principals.signing_keys import SigningKeys
from resolvers.principals.tokens import MAX_TOKEN_LENGTH, ClaimNames, TokenVerifier
from tests.resolvers.principals.issuer import AUDIENCE, Issuer, Key, rsa


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def refused(verifier: TokenVerifier, token: str) -> type[errors.AuthenticationFailed]:
    """Why; the message is one line without any part of the token."""
    with pytest.raises(errors.AuthenticationFailed) as caught:
        await verifier.verify(token)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert not [part for part in token.split(".") if len(part) > 3 and part in message]
    return type(caught.value)


async def test_good_token(issuer: Issuer, verifier: TokenVerifier) -> None:
    token = issuer.token(name="Ada", permissions=["incidents:read", "openid"], teams="db web")
    found = await verifier.verify(token)
    assert (found.subject, found.name, found.kind) == ("ada", "Ada", PrincipalKind.USER)
    assert found.permissions == {"incidents:read"}
    assert found.team_keys == {"db", "web"}


async def test_token_without_permissions_may_do_nothing(issuer: Issuer, verifier: TokenVerifier) -> None:
    found = await verifier.verify(issuer.token())
    assert (found.permissions, found.team_keys) == (frozenset(), frozenset())


async def test_cognito_access_token(issuer: Issuer, keys: SigningKeys) -> None:
    names = ClaimNames("scope", "cognito:groups", "stackflow/")
    claims: dict[str, Any] = {
        "scope": "openid stackflow/incidents:read other/changes:write changes:read",
        "cognito:groups": ["db"],
        "username": "ada-l",
        "client_id": AUDIENCE,
        "aud": None,
    }
    found = await TokenVerifier(keys, issuer.url, AUDIENCE, names).verify(issuer.token(**claims))
    assert (found.name, found.permissions, found.team_keys) == (
        "ada-l",
        frozenset({"incidents:read"}),
        frozenset({"db"}),
    )


async def test_client_credentials_are_a_service(issuer: Issuer, verifier: TokenVerifier) -> None:
    found = await verifier.verify(issuer.token(sub="importer", client_id="importer"))
    assert found.kind == PrincipalKind.SERVICE


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("ES256", ECKey.generate_key("P-256", {"kid": "other"})),
        ("Ed25519", OKPKey.generate_key("Ed25519", {"kid": "other"})),
        ("PS256", rsa("other")),
    ],
)
async def test_other_algorithms(issuer: Issuer, verifier: TokenVerifier, alg: str, key: Key) -> None:
    issuer.keys.append(key)
    assert (await verifier.verify(issuer.token(key, alg))).subject == "ada"


async def test_eddsa_by_its_old_name(issuer: Issuer, verifier: TokenVerifier) -> None:
    key = OKPKey.generate_key("Ed25519", {"kid": "other"})
    issuer.keys.append(key)
    with pytest.warns(UserWarning, match="EdDSA is deprecated"):
        token = issuer.token(key, "EdDSA")
    assert (await verifier.verify(token)).subject == "ada"


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW - 60}, errors.ExpiredToken),
        ({"nbf": NOW + 3_000}, errors.TokenNotYetValid),
        ({"nbf": "soon"}, errors.TokenNotYetValid),
        ({"iss": "https://elsewhere.example"}, errors.WrongIssuer),
        ({"iss": None}, errors.WrongIssuer),
        ({"aud": "other"}, errors.WrongAudience),
        ({"aud": ["other", "another"]}, errors.WrongAudience),
        ({"aud": "other", "client_id": AUDIENCE}, errors.WrongAudience),
        ({"aud": None}, errors.WrongAudience),
        ({"aud": "", "client_id": AUDIENCE}, errors.WrongAudience),
        ({"aud": [], "client_id": AUDIENCE}, errors.WrongAudience),
        ({"exp": None}, errors.MissingClaim),
        ({"exp": True}, errors.MissingClaim),
        ({"sub": None}, errors.MissingClaim),
        ({"sub": ""}, errors.MissingClaim),
    ],
    ids=lambda given: given.__name__ if isinstance(given, type) else "-".join(given),
)
async def test_claim_that_does_not_hold(
    issuer: Issuer, verifier: TokenVerifier, claims: dict[str, Any], reason: type[errors.AuthenticationFailed]
) -> None:
    assert await refused(verifier, issuer.token(**claims)) is reason


ABSURD: tuple[tuple[str, type[errors.AuthenticationFailed], tuple[Any, ...]], ...] = (
    ("exp", errors.MissingClaim, (10**400, 10**15, float("inf"), float("nan"), "9999", [1])),
    ("nbf", errors.TokenNotYetValid, (10**400, float("nan"), True, {})),
    ("iat", errors.MalformedCredentials, (10**400, float("-inf"), "now", False)),
    ("sub", errors.MalformedCredentials, ("a\0b", "a\ud800b", "a" * 501)),
    ("teams", errors.MalformedCredentials, (["a\0b"], ["ok", "\udfff"], "ok a\0b")),
    ("permissions", errors.MalformedCredentials, (["*"] * 100_000,)),
)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [({name: value}, reason) for name, reason, values in ABSURD for value in values],
    ids=lambda given: given.__name__ if isinstance(given, type) else ascii(given)[:40],
)
async def test_absurd_claims_are_refused(
    issuer: Issuer, verifier: TokenVerifier, claims: dict[str, Any], reason: type[errors.AuthenticationFailed]
) -> None:
    assert await refused(verifier, issuer.token(**claims)) is reason


async def test_names_that_are_no_text_to_store_are_passed_over(issuer: Issuer, verifier: TokenVerifier) -> None:
    for name in ("a\0b", "\ud800", "n" * 501, 5, ""):
        assert (await verifier.verify(issuer.token(name=name, username="ada-l"))).name == "ada-l"


@pytest.mark.parametrize("part", ["header", "claims"])
async def test_json_that_is_nested_deeply_is_refused(issuer: Issuer, verifier: TokenVerifier, part: str) -> None:
    """Signed or not: reading it must not run out of the stack."""
    deep = b"[" * 5_000 + b"]" * 5_000
    if part == "header":
        header = b64(b'{"alg":"RS256","a":' + deep + b"}")
        token = f"{header}.{b64(b'{}')}.AA"
    else:
        token = jws.serialize_compact({"alg": "RS256", "kid": "first"}, b'{"a":' + deep + b"}", issuer.keys[0])
    assert len(token) < MAX_TOKEN_LENGTH
    assert await refused(verifier, token) is errors.MalformedCredentials


async def test_leeway_covers_clocks_that_differ(issuer: Issuer, keys: SigningKeys) -> None:
    token = issuer.token(exp=1_000, nbf=500)
    for now, reason in ((469.9, errors.TokenNotYetValid), (1_030.0, errors.ExpiredToken)):
        assert await refused(TokenVerifier(keys, issuer.url, AUDIENCE, clock=partial(float, now)), token) is reason
    for now in (470.0, 1_029.9):
        verifier = TokenVerifier(keys, issuer.url, AUDIENCE, clock=partial(float, now))
        assert (await verifier.verify(token)).subject == "ada"


async def test_audience_in_a_list(issuer: Issuer, verifier: TokenVerifier) -> None:
    assert (await verifier.verify(issuer.token(aud=["other", AUDIENCE]))).subject == "ada"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None])
async def test_no_algorithm(issuer: Issuer, verifier: TokenVerifier, alg: str | None) -> None:
    payload = issuer.token().split(".")[1]
    head = b64(json.dumps({"alg": alg, "kid": "first"}).encode())
    assert await refused(verifier, f"{head}.{payload}.") is errors.UnsupportedAlgorithm
    assert issuer.asked == {}


async def test_hmac_with_the_public_key_as_its_secret(issuer: Issuer, verifier: TokenVerifier) -> None:
    payload = issuer.token().split(".")[1]
    head = b64(json.dumps({"alg": "HS256", "kid": "first"}).encode())
    secret = issuer.keys[0].as_pem(private=False)
    signature = hmac.new(secret, f"{head}.{payload}".encode(), hashlib.sha256).digest()
    assert await refused(verifier, f"{head}.{payload}.{b64(signature)}") is errors.UnsupportedAlgorithm
    # Nor does the key itself verify anything that is symmetric.
    head = b64(json.dumps({"alg": "RS256", "kid": "first"}).encode())
    assert await refused(verifier, f"{head}.{payload}.{b64(signature)}") is errors.BadSignature


async def test_symmetric_key_in_the_jwks_is_not_used(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.extra = [
        {"kty": "oct", "kid": "shared", "k": b64(b"x" * 32)},
        {"kty": "new", "kid": "strange"},
        {"kid": "bare"},
    ]
    forged = rsa("shared")
    # Not an algorithm's refusal, which would mean that the key had been taken up.
    assert await refused(verifier, issuer.token(forged)) is errors.UnknownSigningKey
    assert (await verifier.verify(issuer.token())).subject == "ada"


async def test_key_for_encryption_is_not_used(issuer: Issuer, verifier: TokenVerifier) -> None:
    key = rsa("encrypts")
    issuer.extra = [key.as_dict(private=False, use="enc")]
    assert await refused(verifier, issuer.token(key)) is errors.UnknownSigningKey


async def test_other_key_of_the_same_name(issuer: Issuer, verifier: TokenVerifier) -> None:
    assert await refused(verifier, issuer.token(rsa("first"))) is errors.BadSignature


async def test_changed_payload(issuer: Issuer, verifier: TokenVerifier) -> None:
    head, _, signature = issuer.token().split(".")
    payload = issuer.token(sub="root").split(".")[1]
    assert await refused(verifier, f"{head}.{payload}.{signature}") is errors.BadSignature


async def test_algorithm_that_does_not_fit_the_key(issuer: Issuer, verifier: TokenVerifier) -> None:
    _, payload, signature = issuer.token().split(".")
    head = b64(json.dumps({"alg": "ES256", "kid": "first"}).encode())
    assert await refused(verifier, f"{head}.{payload}.{signature}") is errors.BadSignature


@pytest.mark.parametrize("token", ["abc", "a.b.c", "...", "é.e30.e30", "WzFd.e30.e30", "x" * 20_000])
async def test_what_is_no_token(issuer: Issuer, verifier: TokenVerifier, token: str) -> None:
    assert await refused(verifier, token) in {errors.MalformedCredentials, errors.UnsupportedAlgorithm}
    assert issuer.asked == {}
