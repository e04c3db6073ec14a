"""Files of other systems: readers, mapping files and the staging of their rows."""
