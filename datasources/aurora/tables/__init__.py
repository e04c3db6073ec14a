"""The common parts of all tables: keys, pages, counts, groups, predicates and references."""
