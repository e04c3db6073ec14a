"""A double of Amazon Neptune: a web socket proxy that makes a Gremlin Server behave as Neptune does, faults included.

It is stricter than Neptune where one store can't imitate it (scripts, sessions and labels with `::` are refused), so
that what passes here is legal there. `FACTS` lists what is enforced, by which page, and the test that shows it;
`DIFFERENCES` what is not imitated.
"""

from datasources.embedded.neptune_like.double import NeptuneLike
from datasources.embedded.neptune_like.faults import Faults
from datasources.embedded.neptune_like.known_behaviour import DIFFERENCES, FACTS, Fact
from datasources.embedded.neptune_like.limits import ClusterSettings, SigningKey
from datasources.embedded.neptune_like.recorder import Handshake, RecordedRequest, RequestLog

__all__ = [
    "DIFFERENCES",
    "FACTS",
    "ClusterSettings",
    "Fact",
    "Faults",
    "Handshake",
    "NeptuneLike",
    "RecordedRequest",
    "RequestLog",
    "SigningKey",
]
