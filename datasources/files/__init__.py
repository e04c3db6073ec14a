"""Files of other people: readers, mapping files and the importer."""
