"""A test double of Amazon Neptune: a web socket proxy that makes a Gremlin Server behave like Neptune, with faults.

It is stricter than Neptune where one store cannot imitate it (scripts, sessions and labels with `::` are rejected), so
that everything it accepts is valid on Neptune. `FACTS` lists the enforced behaviour with its documentation and its
test; `DIFFERENCES` lists what is not imitated.
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
