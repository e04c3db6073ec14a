"""API keys as records, with their permissions but without the key itself."""

import msgspec


class ApiKeyRecord(msgspec.Struct, frozen=True):
    """An API key that is valid now. Permissions are `<plural noun>:<verb>` or `*`; `owner` is the subject of the person
    for whom the key acts, empty for a program."""

    id: str
    name: str
    permissions: list[str]
    team_keys: list[str]
    owner: str = ""
