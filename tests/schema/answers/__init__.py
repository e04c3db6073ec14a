"""Tests of `schema/answers`."""
