"""Span attributes of a database.

https://opentelemetry.io/docs/specs/semconv/database/postgresql/
"""

from psycopg.conninfo import conninfo_to_dict


def span_attributes(store: str, url: str) -> dict[str, str | int]:
    """Return the attributes of a database by its URL; never its user or password."""
    parts = conninfo_to_dict(url)
    attributes: dict[str, str | int] = {"db.system.name": "postgresql", "stackflow.store": store}
    for name, part in (("db.namespace", "dbname"), ("server.address", "host")):
        if parts.get(part):
            attributes[name] = str(parts[part])
    if str(parts.get("port", "")).isdigit():
        attributes["server.port"] = int(str(parts["port"]))
    return attributes
