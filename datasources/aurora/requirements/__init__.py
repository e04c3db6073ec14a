"""Requirements in the requirements database."""
