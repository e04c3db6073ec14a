"""Tests of `schema/incident_help`."""
