"""A connection to Redis that carries the name of its request, so that SLOWLOG and CLIENT LIST show it."""

import re
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from datasources.request import current_request

CLIENT_NAME = "stackflow"
# Redis does not accept spaces, control characters or non-ASCII letters in a name.
_STRANGE = re.compile(r"[^!-~]")


class NamedConnection(AbstractConnection):
    """Sends its name in the same packet as the first command of a request: no extra round trip, one extra reply.

    That reply is read before the command's. An interruption in between closes the connection, as the driver does with
    every unread reply, and a new session expects none: a reply is never taken for that of another command.
    """

    # The name that the server knows for this session; None if unknown.
    _name: str | None = None
    # The name whose reply has not been read yet.
    _owed: str | None = None
    _opening: bool = False

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Open a new session, which authenticates under the common name."""
        self._name, self._owed, self._opening = None, None, True
        try:
            await super().on_connect_check_health(check_health)
        finally:
            self._opening = False
        self._name = CLIENT_NAME

    async def send_command(self, *args: Any, **kwargs: Any) -> None:
        """Send the command, preceded by the name if the server has another one."""
        if self._opening:
            await super().send_command(*args, **kwargs)
            return
        if not self.is_connected:
            # Before the packet is built: a new session reads replies of its own.
            await self.connect_check_health(check_health=False)
        name = f"{CLIENT_NAME}:{_STRANGE.sub('', current_request().request_id)[:64]}"
        if name == self._name:
            await super().send_command(*args, **kwargs)
            return
        packet = [*self.pack_command("CLIENT", "SETNAME", name), *self.pack_command(*args)]
        self._name, self._owed = None, name
        await self.send_packed_command(packet, check_health=False)

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Return the reply to the command, after reading the reply to the name."""
        if self._owed is not None:
            name, self._owed = self._owed, None
            try:
                await super().read_response()
            except ResponseError:
                # A server that does not support names still answers commands.
                self._name = name
            else:
                self._name = name
        return await super().read_response(*args, **kwargs)
