"""Problems: the unknown causes of incidents."""

from datetime import datetime

from msgspec import Struct


class ProblemRecord(Struct, frozen=True, array_like=True):
    """The unknown cause of incidents."""

    id: str
    key: str
    title: str
    description: str
    version: int
    updated_at: datetime
