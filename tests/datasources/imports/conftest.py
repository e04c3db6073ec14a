"""Fixtures of the import tests."""

from tests.fixtures.imports import names, stores, templates

__all__ = ["names", "stores", "templates"]
