"""The context of one request: its caller, sources, loaders and limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from datasources.config import DocumentLimits
from datasources.records.queries import Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.errors import Forbidden
from resolvers.subscription_state import SubscriptionState
from resolvers.waves import Waves

L = TypeVar("L")

# A class of loaders; called with a context and arguments it returns a loader.
LoaderClass = Callable[["Context", Any], L]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one response: `page` rows or nodes on each page, and `fields` in total, counted during execution."""

    page: int = DocumentLimits().page
    fields: int = DocumentLimits().cost
    # Whether queries are executed by compiled plans where that is possible.
    plans: bool = True


class Caller(Protocol):
    """The caller as fields and writes see it. `kind` and `subject` together are unique."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def actor(self) -> str:
        """The user or program that is responsible for the request, as KIND:subject."""
        ...

    def allows(self, permission: str) -> bool:
        """Whether the caller has the permission."""
        ...


@dataclass(frozen=True, slots=True)
class SystemPrincipal:
    """The principal of background work: an event source or the scheduler. It has no permissions."""

    kind: str
    subject: str
    # The principal that sent the event as KIND:subject, if known.
    sender: str = ""

    @property
    def name(self) -> str:
        return self.subject

    @property
    def actor(self) -> str:
        """The sender of the event, else this principal, as KIND:subject."""
        return self.sender or f"{self.kind}:{self.subject}"

    def allows(self, permission: str) -> bool:
        """Return False: it has no permissions."""
        return False


@dataclass(slots=True)
class Context:
    """One for each request; never shared, so its loaders never return rows of another request."""

    principal: Caller
    scope: Scope
    sources: Sources
    request: RequestContext
    limits: Limits = field(default_factory=Limits)
    # Only for subscriptions.
    subscription: SubscriptionState | None = None
    # Results of use cases in a plan, by the field node and the parent, which each entry keeps alive: graphql-core calls
    # none of them again.
    results: dict[tuple[int, int], tuple[object, object, Any]] = field(default_factory=dict)
    # Why graphql-core executed the operation; empty if a plan did.
    fallback: str = ""
    # The objects of the plan, if the caller asks for an explanation and there is a plan.
    levels: list[dict[str, Any]] = field(default_factory=list)
    waves: Waves = field(init=False)
    # Columns that no field of the operation reads from the rows of a connection, by the field node of the connection.
    omitted: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    # Coerced field arguments, cached by place in the document and parent type.
    arguments: dict[tuple[Any, str], Any] = field(default_factory=dict)
    _loaders: dict[tuple[Callable[..., Any], Any], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waves = Waves(self.request.remaining)

    def loader(self, kind: LoaderClass[L], arguments: Any = None) -> L:
        """Return the loader of this class with these (hashable) arguments; create it on first use."""
        key = (kind, arguments)
        instance = self._loaders.get(key)
        if instance is None:
            instance = self._loaders[key] = kind(self, arguments)
        loader: L = instance
        return loader

    def clear_loaders(self) -> None:
        """Discard loaded values after a write, so that later fields read the new state."""
        self._loaders.clear()

    def require(self, permission: str) -> None:
        """Raise Forbidden unless the principal has the permission."""
        if not self.principal.allows(permission):
            raise Forbidden(f"this needs the permission {permission}", permission=permission)
