"""The other entrances: events from queues, graph projection, workflow steps, migrations, and the API on Lambda."""
