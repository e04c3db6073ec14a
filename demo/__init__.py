"""A small, realistic landscape, which the importer loads on the first start."""
