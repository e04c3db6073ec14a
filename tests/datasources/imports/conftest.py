"""Fixtures of the import tests."""

from tests.fixtures.imports import names, stores

__all__ = ["names", "stores"]
