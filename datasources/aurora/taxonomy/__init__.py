"""Classes of configuration items and types of relationships: writes."""
