"""Configuration items written: create, and later change, retire and restore them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, to_builtins
from uuid_utils import uuid7

from datasources.aurora import configuration_item_writes as rows
from datasources.records.configuration_items import (
    ConfigurationItemRecord,
    ConfigurationItemStatus,
    Criticality,
    Environment,
)
from resolvers.writing import Refused, UserError, UserErrorCode, Work, Write

TABLE, ENTITY = "configuration_items", "CONFIGURATION_ITEM"


class CreateConfigurationItem(Struct, frozen=True, kw_only=True):
    """A new item. What is left out has the table's own default."""

    name: str
    class_key: str
    status: ConfigurationItemStatus | UnsetType = UNSET
    environment: Environment | UnsetType = UNSET
    criticality: Criticality | UnsetType = UNSET
    owner_team_id: str | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET


def create(command: CreateConfigurationItem) -> Work:
    """The new item's id. Refused for an empty name or an unknown class."""

    async def work(write: Write) -> Sequence[str]:
        if not command.name.strip():
            raise Refused(UserError(UserErrorCode.INVALID, "name", "a configuration item needs a name"))
        if not await rows.class_is_known(write.transaction, command.class_key):
            raise Refused(
                UserError(UserErrorCode.NOT_FOUND, "classKey", f"there is no class {command.class_key}; see `classes`")
            )
        record = ConfigurationItemRecord(
            str(uuid7()),
            command.name.strip(),
            command.class_key,
            ConfigurationItemStatus.ACTIVE if command.status is UNSET else command.status,
            Environment.UNKNOWN if command.environment is UNSET else command.environment,
            Criticality.MEDIUM if command.criticality is UNSET else command.criticality,
            None if command.owner_team_id is UNSET else command.owner_team_id,
            {} if command.attributes is UNSET else command.attributes,
            1,
            datetime.now(UTC),
        )
        await rows.insert(write.transaction, record)
        write.changed(TABLE, ENTITY, record.id, None, to_builtins(record))
        return [record.id]

    return work
