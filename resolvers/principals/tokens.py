"""Verify bearer tokens of an OpenID Connect issuer, and resolve them to principals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import DecodeError, JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

from datasources.values import text_violation
from resolvers.principals.errors import (
    BadSignature,
    ExpiredToken,
    MalformedCredentials,
    MissingClaim,
    TokenNotYetValid,
    UnsupportedAlgorithm,
    WrongAudience,
    WrongIssuer,
)
from resolvers.principals.principal import Principal, PrincipalKind, parse_permissions
from resolvers.principals.signing_keys import SigningKeys

# Public-key signatures only. With HS* everyone who knows the public key could sign; 'none' is no signature.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
# In characters.
MAX_TOKEN_LENGTH = 16_384
MAX_SUBJECT_LENGTH = 500
# The year 9999 in seconds since 1970: rejects infinity and times that no datetime can hold.
MAX_TIMESTAMP_SECONDS = 253_402_300_799


class _AllowedAlgorithms(JWSRegistry):
    """The allow-list. Issuers still send EdDSA, for which the library warns with every token (RFC 9864 renames it)."""

    # Any: the library does not export the type of an algorithm.
    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not accepted")
        return self.algorithms[name]


_REGISTRY = _AllowedAlgorithms()


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """The names of the claims for permissions and teams; each is a list, or a text separated by blanks.

    Cognito: `scope` and `cognito:groups`, with the resource server's identifier as the prefix (`stackflow/`). A
    permission without the prefix belongs to another resource server and grants nothing.
    """

    permissions: str = "permissions"
    teams: str = "teams"
    permissions_prefix: str = ""


class TokenVerifier:
    """Verifies tokens of one issuer for one audience. `leeway` in seconds, for differences between clocks."""

    def __init__(
        self,
        keys: SigningKeys,
        issuer: str,
        audience: str,
        names: ClaimNames | None = None,
        *,
        leeway: float = 30.0,
        clock: Callable[[], float] = time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._names = names or ClaimNames()
        self._leeway = leeway
        self._clock = clock

    async def verify(self, token: str) -> Principal:
        """Return the principal of a token. Raises the AccessError of the first problem."""
        claims = await self._decode(token)
        self._check(claims)
        subject, client = claims["sub"], claims.get("client_id")
        names = (claims.get("name"), claims.get("username"), claims.get("cognito:username"), subject)
        permissions = _texts(claims.get(self._names.permissions))
        prefix = self._names.permissions_prefix
        return Principal(
            subject=subject,
            name=next(filter(_is_name, names)),
            permissions=parse_permissions(text[len(prefix) :] for text in permissions if text.startswith(prefix)),
            team_keys=frozenset(_texts(claims.get(self._names.teams))),
            # A client-credentials token belongs to the client itself.
            kind=PrincipalKind.SERVICE if subject == client else PrincipalKind.USER,
        )

    async def _decode(self, token: str) -> Mapping[str, Any]:
        if len(token) > MAX_TOKEN_LENGTH:
            raise MalformedCredentials
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError, RecursionError) as error:
            raise MalformedCredentials from error
        # Checked before a key is looked up, and again in decode: the token must not select its own verification.
        if header.get("alg") not in ALGORITHMS:
            raise UnsupportedAlgorithm
        key_id = header.get("kid")
        if key_id is not None and not isinstance(key_id, str):
            raise MalformedCredentials
        key = await self._keys.get(key_id)
        try:
            claims: Mapping[str, Any] = jwt.decode(token, key, registry=_REGISTRY).claims
        except (DecodeError, RecursionError) as error:
            raise MalformedCredentials from error
        except (JoseError, ValueError) as error:
            raise BadSignature from error
        return claims

    def _check(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") != self._issuer:
            raise WrongIssuer
        # Access tokens of Cognito have no audience; they name the client to which they were issued.
        audience = claims.get("aud", claims.get("client_id"))
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise WrongAudience
        subject, expires, begins = claims.get("sub"), _seconds(claims.get("exp")), claims.get("nbf")
        if expires is None or not isinstance(subject, str) or not subject:
            raise MissingClaim
        # These texts are written to audit entries and bound as parameters, so the database must be able to store them.
        teams = _texts(claims.get(self._names.teams))
        if len(subject) > MAX_SUBJECT_LENGTH or any(map(text_violation, (subject, *teams))):
            raise MalformedCredentials
        if claims.get("iat") is not None and _seconds(claims["iat"]) is None:
            raise MalformedCredentials
        now = self._clock()
        if now >= expires + self._leeway:
            raise ExpiredToken
        if begins is not None and now < (_seconds(begins) or float("inf")) - self._leeway:
            raise TokenNotYetValid


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN is outside the bounds.
    return float(value) if -MAX_TIMESTAMP_SECONDS <= value <= MAX_TIMESTAMP_SECONDS else None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_SUBJECT_LENGTH and text_violation(value) is None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [text for text in value if isinstance(text, str) and text] if isinstance(value, list) else []
