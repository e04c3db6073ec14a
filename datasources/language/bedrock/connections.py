"""Connections of botocore that know the call which uses them, so that it can be stopped from another thread."""

import threading
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from datasources.language.bedrock.exchange import Exchange

_current = threading.local()


def set_exchange(exchange: Exchange) -> None:
    """Make a call the one of this thread."""
    _current.exchange = exchange


def current_exchange() -> Exchange:
    """Return the call of this thread."""
    exchange: Exchange = _current.exchange
    return exchange


class _Stoppable:
    """Connects, sends and receives for the call of its thread."""

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        current_exchange().use(self)

    def request(self, *arguments: Any, **options: Any) -> None:
        # A connection from the pool connects no more.
        current_exchange().use(self)
        super().request(*arguments, **options)  # type: ignore[misc]

    def getresponse(self) -> Any:
        try:
            return super().getresponse()  # type: ignore[misc]
        finally:
            current_exchange().require_running()


class _Connection(_Stoppable, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _TlsConnection(_Stoppable, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection


class _TlsPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _TlsConnection


def make_stoppable(client: Any) -> None:
    """Give a client of boto3, before its first call, connections that its calls can be stopped by.

    botocore has no setting for it: its session keeps the classes in a dictionary, which all its pools read.
    """
    client._endpoint.http_session._pool_classes_by_scheme.update(http=_Pool, https=_TlsPool)
