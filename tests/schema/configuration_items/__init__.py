"""Tests of `schema/configuration_items`."""
