"""A connection to Redis that has the name of the request it works for, for SLOWLOG and CLIENT LIST to tell."""

import re
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from datasources.request import current_request

CLIENT_NAME = "stackflow"
# Redis takes no spaces, controls or letters beyond ASCII in a name.
_STRANGE = re.compile(r"[^!-~]")


class NamedConnection(AbstractConnection):
    """Tells its name in the same packet as the first command of a request: no round trip more, one answer more.

    That answer is read before the command's. What breaks off in between closes the connection, as the driver does with
    every answer that it did not read, and a new session owes none: no answer is ever taken for another's.
    """

    # What the server calls this session; None if that is not known.
    _name: str | None = None
    # The name whose answer is still to be read.
    _owed: str | None = None
    _opening: bool = False

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """A new session, which signs in under the common name."""
        self._name, self._owed, self._opening = None, None, True
        try:
            await super().on_connect_check_health(check_health)
        finally:
            self._opening = False
        self._name = CLIENT_NAME

    async def send_command(self, *args: Any, **kwargs: Any) -> None:
        """The command, behind the name if the server has another."""
        if self._opening:
            await super().send_command(*args, **kwargs)
            return
        if not self.is_connected:
            # Before the packet is made: a new session reads answers of its own.
            await self.connect_check_health(check_health=False)
        name = f"{CLIENT_NAME}:{_STRANGE.sub('', current_request().request_id)[:64]}"
        if name == self._name:
            await super().send_command(*args, **kwargs)
            return
        packet = [*self.pack_command("CLIENT", "SETNAME", name), *self.pack_command(*args)]
        self._name, self._owed = None, name
        await self.send_packed_command(packet, check_health=False)

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """The command's answer; that to the name goes before it."""
        if self._owed is not None:
            name, self._owed = self._owed, None
            try:
                await super().read_response()
            except ResponseError:
                # A server that names nobody still answers commands.
                self._name = name
            else:
                self._name = name
        return await super().read_response(*args, **kwargs)
