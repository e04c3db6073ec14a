"""A session's settings: times in UTC as ISO 8601, whatever the server, the role or the host has by default."""

from typing import Any

from psycopg import AsyncConnection

# Names of one zone in the tz database.
_UTC = frozenset(
    {"UTC", "Etc/UTC", "UCT", "Etc/UCT", "Universal", "Etc/Universal", "Zulu", "Etc/Zulu", "GMT", "Etc/GMT"}
)


async def configure_session(connection: AsyncConnection[Any]) -> None:
    """Set the zone and the style of times where the server reports others. Costs no round trip where it does not.

    `SET` pins a connection of RDS Proxy for its life, and `options` may not pass it (not checked). So nothing is set
    where the server is in UTC already, as Aurora and the embedded server are; another zone is worth its pin.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-pinning.html
    """
    if connection.info.parameter_status("TimeZone") not in _UTC:
        await connection.execute("SET TimeZone = 'UTC'")
    if not (connection.info.parameter_status("DateStyle") or "").startswith("ISO"):
        await connection.execute("SET DateStyle = 'ISO, YMD'")
