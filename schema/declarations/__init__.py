"""Declarations of types, fields, filters, connections and mutations, shared by all domains."""
