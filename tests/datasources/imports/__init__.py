"""Tests of datasources/imports."""
