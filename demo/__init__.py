"""A small believable landscape, loaded on first start by the importer."""
