"""The other entrances: events from queues, graph projection, workflow steps, migrations, and the API on Lambda."""

from workers.precompiled import take

# Before what any entry imports, since that is what makes the classes.
take()
