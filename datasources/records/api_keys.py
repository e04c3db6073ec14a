"""API keys as records: what a key may do, never the key itself."""

import msgspec


class ApiKeyRecord(msgspec.Struct, frozen=True):
    """A key that is valid now. Permissions are `<plural noun>:<verb>` or `*`; `owner` is the subject of the person for
    whom it acts, empty for a program of its own."""

    id: str
    name: str
    permissions: list[str]
    team_keys: list[str]
    owner: str = ""
