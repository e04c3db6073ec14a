"""Tests of datasources/documents."""
