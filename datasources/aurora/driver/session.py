"""Session settings: times in UTC as ISO 8601, whatever the defaults of the server, the role or the host."""

from typing import Any

from psycopg import AsyncConnection

# Names of UTC in the tz database.
_UTC = frozenset(
    {"UTC", "Etc/UTC", "UCT", "Etc/UCT", "Universal", "Etc/Universal", "Zulu", "Etc/Zulu", "GMT", "Etc/GMT"}
)


async def configure_session(connection: AsyncConnection[Any]) -> None:
    """Set the zone and the style of times if the server reports others. Otherwise this takes no round trip.

    `SET` pins a connection of RDS Proxy for its lifetime, and RDS Proxy may not accept `options` (not checked). So
    nothing is set if the server uses UTC already, as Aurora and the embedded server do; another zone is worth its pin.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-pinning.html
    """
    if connection.info.parameter_status("TimeZone") not in _UTC:
        await connection.execute("SET TimeZone = 'UTC'")
    if not (connection.info.parameter_status("DateStyle") or "").startswith("ISO"):
        await connection.execute("SET DateStyle = 'ISO, YMD'")
