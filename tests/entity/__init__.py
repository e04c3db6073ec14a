"""A made-up entity, added to a copy of the project as docs/add-an-entity.md says."""
