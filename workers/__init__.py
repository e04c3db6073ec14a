"""The other entrances: events from queues, graph projection, workflow steps, migrations, and the API on Lambda."""

import gc

from workers.precompiled import take

# Before what any entry imports, since that is what makes the classes; those of settings too.
take()

from settings import started  # noqa: E402

if started().module:
    # What a start makes stays: to look through it again and again is a twelfth of the time. `begin` ends this.
    gc.disable()
