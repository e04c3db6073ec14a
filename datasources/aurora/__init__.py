"""The relational source: Aurora PostgreSQL, or any PostgreSQL from version 16 on."""
