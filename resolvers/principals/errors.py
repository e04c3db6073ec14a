"""Errors of authentication. The docstring is the message; none contains a credential.

AccessError
├── Unauthenticated
│   ├── MissingCredentials
│   ├── MalformedCredentials
│   ├── TokensNotAccepted
│   ├── UnsupportedAlgorithm
│   ├── UnknownSigningKey
│   ├── BadSignature
│   ├── MissingClaim
│   ├── WrongIssuer
│   ├── WrongAudience
│   ├── ExpiredToken
│   ├── TokenNotYetValid
│   └── UnknownApiKey
└── IssuerUnavailable          not the caller's fault: the same token may be accepted later
"""

from resolvers.errors import ShownError


class AuthenticationFailed(ShownError):
    """The caller could not be authenticated."""

    code = "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__((type(self).__doc__ or "").partition("\n")[0])


class Unauthenticated(AuthenticationFailed):
    """The credentials were not accepted."""


class MissingCredentials(Unauthenticated):
    """Credentials are missing: send the header 'Authorization: Bearer <token or API key>'."""


class MalformedCredentials(Unauthenticated):
    """The Authorization header is not 'Bearer' followed by a token or an API key."""


class TokensNotAccepted(Unauthenticated):
    """No token issuer is configured here, so only API keys are accepted."""


class UnsupportedAlgorithm(Unauthenticated):
    """The token is not signed with an accepted public-key algorithm."""


class UnknownSigningKey(Unauthenticated):
    """The token is signed with a key that the issuer does not publish."""


class BadSignature(Unauthenticated):
    """The token's signature is invalid."""


class MissingClaim(Unauthenticated):
    """The token lacks a valid 'sub' or 'exp' claim."""


class WrongIssuer(Unauthenticated):
    """The token was issued by another issuer."""


class WrongAudience(Unauthenticated):
    """The token was issued for another audience."""


class ExpiredToken(Unauthenticated):
    """The token has expired."""


class TokenNotYetValid(Unauthenticated):
    """The token is not valid yet."""


class UnknownApiKey(Unauthenticated):
    """The API key is unknown, expired or revoked."""


class IssuerUnavailable(AuthenticationFailed):
    """The token issuer's signing keys are temporarily unavailable."""

    code = "SOURCE_UNAVAILABLE"
