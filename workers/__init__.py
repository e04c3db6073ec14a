"""The other entrances: migrations, events, projection and workflow steps."""
