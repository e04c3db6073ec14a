"""What spans say of where a statement went.

https://opentelemetry.io/docs/specs/semconv/database/postgresql/
"""

from psycopg.conninfo import conninfo_to_dict


def span_attributes(store: str, url: str) -> dict[str, str | int]:
    """Attributes of a database by its URL; never its user or password."""
    parts = conninfo_to_dict(url)
    found: dict[str, str | int] = {"db.system.name": "postgresql", "stackflow.store": store}
    for name, part in (("db.namespace", "dbname"), ("server.address", "host")):
        if parts.get(part):
            found[name] = str(parts[part])
    if str(parts.get("port", "")).isdigit():
        found["server.port"] = int(str(parts["port"]))
    return found
