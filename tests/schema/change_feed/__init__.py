"""Tests of `schema/change_feed`."""
