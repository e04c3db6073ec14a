"""Tests of datasources/files."""
