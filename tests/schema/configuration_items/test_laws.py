"""The life of an item against a plain model: after any steps the rows, versions and traces are those of the model."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.profiles import examples
from tests.fixtures.writing import Writer, alone, codes, database, uuid

T = TypeVar("T")

NAMES = st.sampled_from(["a", "b"])
STATUSES = st.sampled_from(["PLANNED", "ACTIVE", "MAINTENANCE"])
ATTRIBUTES = st.sampled_from([{}, {"a": 1}, {"a": True}])
TYPES = st.sampled_from(["depends_on", "feeds", "near"])
# How far the version that a step expects is from the one there is.
STALE = st.sampled_from([0, 0, 0, 1])


class Life(RuleBasedStateMachine):
    """One item and one other that it is related to."""

    writer: Writer
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.id = self.run(self.writer.item("a"))
        self.other = self.run(self.writer.item("other"))
        self.name, self.status, self.attributes = "a", "ACTIVE", "{}"
        self.version = 1
        # By type: id, version and attributes.
        self.related: dict[str, tuple[str, int, str]] = {}
        # Changes of the item, and of each relationship there ever was.
        self.changes = ["CREATED"]
        self.changes_related: dict[str, list[str]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def step(self, mutation: str, stale: int, **input: Any) -> Any:
        """The codes of a step on the item."""
        version = self.version - stale
        return codes(self.run(self.writer.write(mutation, id=self.id, expectedVersion=version, **input)))

    def moved(self) -> None:
        self.version += 1
        self.changes.append("CHANGED")

    @rule(name=NAMES, status=STATUSES, attributes=ATTRIBUTES, stale=STALE)
    def update(self, name: str, status: str, attributes: dict[str, Any], stale: int) -> None:
        found = self.step("updateConfigurationItem", stale, name=name, status=status, attributes=attributes)
        wanted = (name, status, str(attributes))
        if stale:
            assert found == [("CONFLICT", "expectedVersion")]
        elif self.status == "RETIRED":
            assert found == [("ILLEGAL_STATE", "id")]
        else:
            assert found == []
            if wanted != (self.name, self.status, self.attributes):
                self.name, self.status, self.attributes = wanted
                self.moved()

    @rule(stale=STALE)
    def retire(self, stale: int) -> None:
        found = self.step("retireConfigurationItem", stale)
        if stale:
            assert found == [("CONFLICT", "expectedVersion")]
        elif self.status == "RETIRED":
            assert found == [("ILLEGAL_STATE", "id")]
        else:
            assert found == []
            self.status = "RETIRED"
            self.moved()

    @rule(status=STATUSES, stale=STALE)
    def restore(self, status: str, stale: int) -> None:
        found = self.step("restoreConfigurationItem", stale, status=status)
        if stale:
            assert found == [("CONFLICT", "expectedVersion")]
        elif self.status != "RETIRED":
            assert found == [("ILLEGAL_STATE", "id")]
        else:
            assert found == []
            self.status = status
            self.moved()

    @rule(type_key=TYPES, attributes=ATTRIBUTES)
    def relate(self, type_key: str, attributes: dict[str, Any]) -> None:
        input = {"fromId": self.id, "toId": self.other, "typeKey": type_key, "attributes": attributes}
        payload = self.run(self.writer.write("relateConfigurationItems", **input))
        if self.status == "RETIRED":
            assert codes(payload) == [("ILLEGAL_STATE", "fromId")]
            return
        assert codes(payload) == []
        made = payload["relationship"]["id"]
        id_, version, said = self.related.get(type_key, (made, 0, ""))
        assert made == id_
        if said != str(attributes):
            self.related[type_key] = (id_, version + 1, str(attributes))
            self.changes_related.setdefault(id_, []).append("CHANGED" if version else "CREATED")

    @precondition(lambda self: self.related)
    @rule(data=st.data(), stale=STALE)
    def unrelate(self, data: st.DataObject, stale: int) -> None:
        type_key = data.draw(st.sampled_from(sorted(self.related)))
        id_, version, _ = self.related[type_key]
        input = {"id": id_, "expectedVersion": version - stale}
        found = codes(self.run(self.writer.write("unrelateConfigurationItems", **input)))
        if stale:
            assert found == [("CONFLICT", "expectedVersion")]
            return
        assert found == []
        del self.related[type_key]
        self.changes_related[id_].append("DELETED")

    @invariant()
    def rows_are_the_models(self) -> None:
        columns = "SELECT name, status, attributes, version FROM"
        [(name, status, attributes, version)] = self.writer.rows(
            f"{columns} configuration_items WHERE id = %s", uuid(self.id)
        )
        assert (name, status, str(attributes), version) == (self.name, self.status, self.attributes, self.version)
        kept = "SELECT version FROM configuration_item_history WHERE id = %s ORDER BY version"
        assert self.writer.rows(kept, uuid(self.id)) == [(n,) for n in range(1, self.version)]
        found = self.writer.rows(
            "SELECT type_key, id::text, version, attributes FROM relationships WHERE from_id = %s", uuid(self.id)
        )
        assert {type_key: (f"rel_{id_}", version, str(said)) for type_key, id_, version, said in found} == self.related

    @invariant()
    def traces_are_the_models(self) -> None:
        for id_, changes in {self.id: self.changes, **self.changes_related}.items():
            assert [change for _, change in self.writer.outbox(id_)] == changes
            assert len(self.writer.audit(id_)) == len(changes)


@pytest.fixture
def machine(postgres: EmbeddedPostgres) -> Iterator[type[Life]]:
    # A loop of its own: Hypothesis calls its rules from outside of any.
    loop = asyncio.new_event_loop()
    writer = alone(database(postgres, "item_laws"))
    yield type("LifeHere", (Life,), {"writer": writer, "loop": loop})
    loop.run_until_complete(writer.sources.close())
    loop.close()


def test_the_life_of_an_item_is_that_of_the_model(machine: type[Life]) -> None:
    chosen = settings(max_examples=examples(30), stateful_step_count=15, suppress_health_check=[HealthCheck.too_slow])
    run_state_machine_as_test(machine, settings=chosen)
