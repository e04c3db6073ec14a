"""What a process knows of its models: their catalog, their speeds and their breakers."""

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from datasources.aurora.driver.database import Database
from datasources.config import LanguageSettings
from datasources.sources import Sources
from resolvers.models.breaker import ModelBreaker
from resolvers.models.catalog import Model, ModelCatalog, load_catalog
from resolvers.models.speeds import ModelSpeeds


@dataclass(frozen=True, slots=True)
class ModelPool:
    """The models of a process, by id."""

    catalog: ModelCatalog
    models: Mapping[str, Model]
    speeds: ModelSpeeds
    breakers: Mapping[str, ModelBreaker]

    def is_open(self, model: str) -> bool:
        """Whether the breaker of a model is open."""
        return self.breakers[model].is_open


def create_pool(settings: LanguageSettings) -> ModelPool:
    """Create the pool of the settings. Raises CatalogError if the catalog cannot be used."""
    catalog = load_catalog(settings.models)
    return ModelPool(
        catalog,
        {model.id: model for model in catalog.models},
        ModelSpeeds(catalog.models),
        {model.id: ModelBreaker() for model in catalog.models},
    )


# A process has one main database; tests have several, whose ledgers differ.
_pools: WeakKeyDictionary[Database, ModelPool] = WeakKeyDictionary()


def model_pool(sources: Sources) -> ModelPool:
    """Return the pool of this process; the first call creates it."""
    pool = _pools.get(sources.main)
    if pool is None:
        pool = _pools[sources.main] = create_pool(sources.language_settings)
    return pool
