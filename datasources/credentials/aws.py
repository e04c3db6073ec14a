"""Passwords from Secrets Manager and tokens of RDS, by boto3, which is imported only if it is used."""

from collections.abc import Callable
from typing import Any

import orjson

from datasources.config import SecretReference
from datasources.credentials.cached import Credential, CredentialsUnavailable

# Seconds. The first request waits for the first fetch.
CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 3

# Error codes of Secrets Manager, and the remedies for an operator.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
REMEDIES = {
    "ResourceNotFoundException": "Secrets Manager has no such secret; check the ARN",
    "AccessDeniedException": "the role may not read it; grant secretsmanager:GetSecretValue and kms:Decrypt",
    "DecryptionFailure": "its key does not decrypt it; check that the key is enabled and grants kms:Decrypt",
}


def database_secret_fetcher(secret: SecretReference) -> Callable[[], Credential]:
    """Return a function that fetches `{"username": ..., "password": ...}`. Without a username, the URL's is used."""

    def fetch() -> Credential:
        secret_values = _json(_text(secret))
        user, password = secret_values.get("username"), secret_values.get("password")
        if not isinstance(password, str) or not password or not (user is None or isinstance(user, str)):
            raise CredentialsUnavailable(
                f'{secret.variable} names a secret that is not {{"username": ..., "password": ...}}'
            )
        return Credential(user or None, password)

    return fetch


def cache_secret_fetcher(secret: SecretReference) -> Callable[[], Credential]:
    """Return a function that fetches a token: the secret's text, or `{"token": ...}` with an optional `username`."""

    def fetch() -> Credential:
        text = _text(secret)
        if not text.lstrip().startswith("{"):
            if not text.strip():
                raise CredentialsUnavailable(f"{secret.variable} names an empty secret")
            return Credential(None, text.strip())
        secret_values = _json(text)
        user, token = secret_values.get("username"), secret_values.get("token")
        if not isinstance(token, str) or not token or not (user is None or isinstance(user, str)):
            raise CredentialsUnavailable(
                f'{secret.variable} names a secret that is neither a token nor {{"token": ...}}'
            )
        return Credential(user or None, token)

    return fetch


def database_token_fetcher(region: str, host: str, port: int, user: str) -> Callable[[], Credential]:
    """Return a function that signs a token of RDS, which is valid for 15 minutes. Signing needs no network calls except
    for the credentials of the role.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
    """

    def fetch() -> Credential:
        from botocore.exceptions import BotoCoreError

        try:
            client = _client("rds", region)
            token = client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user)
        except BotoCoreError as error:
            raise CredentialsUnavailable(f"DATABASE_IAM: no token could be signed: {type(error).__name__}") from error
        return Credential(None, token)

    return fetch


def _text(secret: SecretReference) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        reply = _client("secretsmanager", secret.region).get_secret_value(SecretId=secret.arn)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise CredentialsUnavailable(f"{secret.variable} cannot be read: {REMEDIES.get(code, code)}") from error
    except BotoCoreError as error:
        reason = f"Secrets Manager cannot be reached ({type(error).__name__})"
        raise CredentialsUnavailable(f"{secret.variable} cannot be read: {reason}") from error
    text = reply.get("SecretString")
    if not isinstance(text, str):
        raise CredentialsUnavailable(f"{secret.variable} names a secret without text")
    return text


def _client(service: str, region: str) -> Any:
    # The default session of boto3 is not safe for threads.
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS, read_timeout=READ_TIMEOUT_SECONDS, retries={"total_max_attempts": 2}
    )
    return Session().client(service, region_name=region, config=config)


def _json(text: str) -> dict[str, Any]:
    # Does not raise: an error of the parser contains the text, which is the secret.
    try:
        secret_values = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return secret_values if isinstance(secret_values, dict) else {}
