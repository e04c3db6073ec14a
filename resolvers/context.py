"""What one request carries: who asks, the sources, the loaders and the limits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from datasources.records.queries import Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.errors import Forbidden
from resolvers.subscription_state import SubscriptionState
from resolvers.waves import Waves

L = TypeVar("L")

# A class of loaders: called with a context and arguments, it gives one.
LoaderClass = Callable[["Context", Any], L]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one answer: `page` rows or nodes a page, and `fields` in all, counted while they are executed."""

    page: int = 500
    fields: int = 150_000


class Caller(Protocol):
    """Who asks, as far as fields and writes care. `kind` and `subject` together are one caller's alone."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def actor(self) -> str:
        """Who stands behind the caller, as KIND:subject."""
        ...

    def allows(self, permission: str) -> bool:
        """Whether the permission is held."""
        ...


@dataclass(frozen=True, slots=True)
class SystemPrincipal:
    """Who writes where nobody calls: the source of an event, or time itself. It asks no fields, so it holds nothing."""

    kind: str
    subject: str
    # Who sent the event, where that is known, as KIND:subject.
    sender: str = ""

    @property
    def name(self) -> str:
        return self.subject

    @property
    def actor(self) -> str:
        """Who stands behind it, as KIND:subject."""
        return self.sender or f"{self.kind}:{self.subject}"

    def allows(self, permission: str) -> bool:
        """Never."""
        return False


@dataclass(slots=True)
class Context:
    """One a request; never shared, so neither are its loaders' rows."""

    principal: Caller
    scope: Scope
    sources: Sources
    request: RequestContext
    limits: Limits = field(default_factory=Limits)
    # Where the answer is a stream.
    subscription: SubscriptionState | None = None
    waves: Waves = field(init=False)
    # Arguments of fields, coerced once for each place in the document and parent type.
    arguments: dict[tuple[Any, str], Any] = field(default_factory=dict)
    _loaders: dict[tuple[Callable[..., Any], Any], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waves = Waves(self.request.remaining)

    def loader(self, kind: LoaderClass[L], arguments: Any = None) -> L:
        """The loader of this class with these (hashable) arguments."""
        key = (kind, arguments)
        found = self._loaders.get(key)
        if found is None:
            found = self._loaders[key] = kind(self, arguments)
        loader: L = found
        return loader

    def clear_loaders(self) -> None:
        """Give up what was loaded so far: it was written to, and the next field must see how it is now."""
        self._loaders.clear()

    def require(self, permission: str) -> None:
        """Forbidden unless the principal holds the permission."""
        if not self.principal.allows(permission):
            raise Forbidden(f"this needs the permission {permission}", permission=permission)
