"""Client-side load balancing: spreads web sockets over the replicas behind one host name."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from ipaddress import ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

# Returns the current addresses of a host name, without a cache.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# An address that failed is tried after the others for this many seconds.
FAILED_ADDRESS_PENALTY_SECONDS = 10.0


def system_resolver(executor: Executor) -> Resolve:
    """Return a resolver that uses the name service of the system, without a cache.

    The name of Neptune's reader endpoint resolves to another replica each time. Raises OSError for an unknown name.
    """

    async def resolve(host: str, port: int) -> Sequence[str]:
        infos = await asyncio.get_running_loop().run_in_executor(
            executor, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(address[0]) for *_, address in infos))

    return resolve


class LoadBalancer:
    """Counts the web sockets to each address of an endpoint. For one event loop."""

    def __init__(self, host: str, port: int, resolve: Resolve) -> None:
        self._host = host
        self._port = port
        self._resolve = resolve
        self._sockets: Counter[str] = Counter()
        self._failed_at: dict[str, float] = {}

    async def addresses(self) -> Sequence[str]:
        """Return the addresses with the fewest web sockets first and recently failed ones last, else as resolved."""
        if _is_address(self._host):
            return [self._host]
        addresses = await self._resolve(self._host, self._port)
        long_ago = time.monotonic() - FAILED_ADDRESS_PENALTY_SECONDS
        return sorted(addresses, key=lambda each: (self._failed_at.get(each, long_ago) > long_ago, self._sockets[each]))

    def count_opening(self, address: str) -> None:
        """Count a web socket from the start of the attempt, because several are opened at the same time."""
        self._sockets[address] += 1

    def count_failed(self, address: str) -> None:
        self._sockets[address] -= 1
        self._failed_at[address] = time.monotonic()

    def count_closed(self, address: str) -> None:
        self._sockets[address] -= 1

    def __getitem__(self, address: str) -> int:
        return self._sockets[address]


class PinnedResolver(AbstractResolver):
    """Resolves every name to the chosen address; TLS still checks the host name."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        version = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        result: Any = ResolveResult(
            hostname=host, host=self._address, port=port, family=version, proto=0, flags=socket.AI_NUMERICHOST
        )
        return [result]

    async def close(self) -> None:
        """Nothing to close."""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
