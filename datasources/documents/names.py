"""Names in a text: the words and short phrases that may be names of configuration items, with their lines."""

import re
from dataclasses import dataclass

# The name of these rules. Another name makes the suggested links of all documents again.
NAMING = "names-1"

# Words of a text that are read, and distinct names that are returned; the others are ignored.
MAX_WORDS = 200_000
MAX_NAMES = 50_000
# Words of a name, and its characters.
MAX_NAME_WORDS = 4
MAX_NAME_LENGTH = 200
# A name without a digit, '-' or '_' has at least so many letters: shorter ones are usually words.
MIN_LETTERS = 8

# Signs of emphasis in Markdown, at the ends of a word, do not belong to it.
_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
# What can be between two words of one name.
_JOINT = frozenset(" ./:@+")
_IDENTIFIER = re.compile(r"(?=.*[^\W\d_])(?=.*[\d_-])")
# Words that are long enough, but say nothing when they occur.
_COMMON_WORDS = """
absolute accounts additional administrator advanced afterwards alerting analysis analytics anything application
applications approach approval architecture archives artifact artifacts assigned attached attempts authentication
authorization automated automatic automatically automation available avoiding background balancer balancing bandwidth
baseline behavior behaviour branches building business calculated calendar capacity certificate certificates changelog
channels checking checklist cleaning collection commands communication comparison complete completed component
components computer condition conditions configuration configure configured connected connection connections
connectivity consider consumer consumers contacts container containers contents continue controller conversion
coordinator critical currently customer customers dashboard dashboards database databases deadline debugging defaults
definition delivery dependencies dependency deployed deployment deployments describe description destination detailed
development diagnostics different directly directory disabled disaster discovery document documentation documents
duration elements emergency employee employees encryption endpoint endpoints engineer engineering engineers enterprise
environment environments escalation evaluation everything examples exception exchange execution existing expected
exporter exporters external failover failures features feedback filesystem firewall following forwarder frequency
frontend function functions generator governance graphics hardware hostname identity implementation important incident
incidents increase indexing individual information infrastructure ingestion instance instances instructions
integration interface internal internet investigate investigation iteration kubernetes language licenses limitations
location locations machines mainframe maintenance management marketing messages messaging metadata migration
migrations mirroring monitoring monitors multiple necessary negative networking networks notification notifications
operating operation operations operator optional organization original overview packages parameter parameters
particular partition password passwords payments performance permission permissions personal pipeline pipelines
platform platforms policies position positive possible postgresql potential practices previous priority privileged
procedure processes processing production products profiling programs progress projects properties protocol provider
provides publishing question questions receiver recommended recovery redundancy reference references registry
relational releases remediation remember reminder replicas replication reporting repositories repository requests
required requirement requirements reservation resource resources response responses restarting restoration restored
retention runbooks scheduled scheduler schedules scheduling scripting secondary security sequence services sessions
severity shutdown situation snapshot snapshots software solution solutions something specific standard standards
statement statistics strategy streaming structure subscription switches synchronization template templates temporary
terminal terminals threshold thresholds timeouts timestamp together topology tracking training transaction
transactions transfer triggers troubleshooting understand upgrades upstream utilization validation variable variables
verification visibility warehouse warnings websites whenever workbench workflow workflows workload workloads workspace
workstation
"""
COMMON_WORDS = frozenset(_COMMON_WORDS.split())


@dataclass(slots=True)
class NameOccurrence:
    """A possible name in lower case, the line where it occurs first, from 1, and how often it occurs."""

    name: str
    first_line: int
    count: int


def find_names(text: str) -> list[NameOccurrence]:
    """Return the possible names in a text, in the order of their first occurrence; at most MAX_NAMES.

    A name is one to four words as they stand in a line, with a single blank or one of ./:@+ between two of them. It has
    a letter, and a digit, '-' or '_', or at least 8 letters, and is no common word. A part of a word is no name:
    'redis-01' does not occur in 'redis-01-exporter'.
    """
    found: dict[str, NameOccurrence] = {}
    words = 0
    for number, line in enumerate(text.split("\n"), start=1):
        # The words that end at a place and can be joined with the next one.
        starts: list[int] = []
        end = 0
        for match in _WORD.finditer(line):
            words += 1
            if words > MAX_WORDS:
                return list(found.values())
            is_joined = starts and match.start() == end + 1 and line[end] in _JOINT
            starts = [*starts[1 - MAX_NAME_WORDS :], match.start()] if is_joined else [match.start()]
            end = match.end()
            for start in starts:
                name = line[start:end].lower()
                if (occurrence := found.get(name)) is not None:
                    occurrence.count += 1
                elif len(found) < MAX_NAMES and is_name(name):
                    found[name] = NameOccurrence(name, number, 1)
    return list(found.values())


def is_name(text: str) -> bool:
    """Whether a text in lower case can be recognised as a name, rather than an ordinary word."""
    if len(text) > MAX_NAME_LENGTH:
        return False
    return bool(_IDENTIFIER.match(text)) or (len(text) >= MIN_LETTERS and text not in COMMON_WORDS)
