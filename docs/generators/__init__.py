"""Generators of the documentation site: pages of the repository and the reference, as sources for Sphinx."""
