"""What all tables share: keys, pages, counts, groups, predicates and references."""
