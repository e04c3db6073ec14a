"""Words of operations: opposites, synonyms, and words that a sentence may not add to its source."""

from collections.abc import Mapping
from types import MappingProxyType

from resolvers.answers.words import root

# Each line has two sides that contradict each other.
_OPPOSITES = """
enable activate on / disable deactivate off
start begin launch boot / stop halt shutdown terminate kill end
open / close shut
add insert append attach join / remove delete drop detach evict erase
create / delete destroy remove
grant allow permit authorize / revoke deny forbid refuse prohibit
approve accept / reject decline refuse
enter / leave exit
lock / unlock
mount / unmount umount
encrypt / decrypt
cordon / uncordon
install / uninstall
subscribe / unsubscribe
register / deregister unregister
encode / decode
compress / decompress
increase raise grow extend expand maximize / decrease lower reduce shrink cut minimize
high higher highest above exceed / low lower lowest below
more greater most / less fewer least
maximum max upper / minimum min lower
large larger big / small smaller
long longer / short shorter
fast faster quick quickly / slow slower slowly
before prior earlier precede / after later afterwards follow subsequent
first initial earliest / last final latest
old older oldest previous former / new newer newest next
begin beginning / end
primary master leader main / replica secondary slave standby follower
up / down
upgrade / downgrade rollback
promote / demote
import / export
upload / download
push / pull
read / write
send transmit / receive
input inbound incoming ingress / output outbound outgoing egress
upstream / downstream
client / server
source origin / target destination
internal private / external public
local / remote global
healthy good / unhealthy bad broken
available reachable / unavailable unreachable
success succeed successful pass / fail failure failed
success succeed successful / error
active running / inactive passive idle stopped
online / offline
connect / disconnect
online live / archived
always / never
all every each / none no
empty / full
full complete / partial incomplete incremental
manual manually / automatic automatically auto
required mandatory necessary / optional
safe / unsafe dangerous
safe / risky
valid / invalid
known / unknown
synchronous synchronously / asynchronous asynchronously
temporary temporarily / permanent permanently
static / dynamic
pause suspend / resume continue
block ban / unblock unban allow
mute silence / unmute unsilence
hide / show
freeze / unfreeze thaw
save store / discard
acquire / release
backup / restore
include / exclude
keep retain preserve / delete discard remove
keep retain / drop
sign / unsign
commit / abort rollback revert
fill / drain empty
warm / cold
hot / cold
hard / soft
left / right
parent / child
ancestor / descendant
row / column
top / bottom
front / rear
hit / miss
positive / negative
even / odd
critical / warning
urgent / routine
planned scheduled / unplanned emergency
expected / unexpected actual
normal / abnormal
production prod / staging test development
vertical vertically / horizontal horizontally
blue / green
ascending / descending
forward / backward
east / west
north / south
day / night
same equal identical / different
single / multiple several
sequential serial / parallel concurrent
together / separately
strong / weak
safe / harmful
improve better best / worsen worse worst degrade
recommended / discouraged
avoid / prefer
ignore / handle
ignore / investigate
gain / lose
win / lose
buy / sell
question / answer
request / response
reader / writer
sender / receiver
producer publisher / consumer subscriber
owner / guest
login / logout
mandatory / voluntary
heavy / light
early / late
outside / inside
underload / overload
underutilized / overutilized
oldest / newest
"""
# Each line has words that stand for each other in texts about operations.
_SYNONYMS = """
delete remove erase drop purge
create build generate produce
run execute issue invoke perform
start launch boot begin open
restart reboot relaunch bounce
stop halt terminate kill
check verify confirm validate ensure inspect review examine look view
find determine identify discover locate detect
show display list print report indicate
increase raise grow enlarge expand
decrease reduce lower shrink
change modify edit alter adjust update
repair fix resolve correct solve remedy
reinitialise recreate
cause reason result lead trigger why
error failure problem issue fault
fire trigger raise
host machine server node vm
instance server
repo repository
db database
config configuration configured setup setting
directory folder
wait pause
time duration period while
temporary temporarily
available free
space capacity room
quick fast rapid
large big
many several multiple number
part subset portion
multiple several
single one
part component
user customer person
query ask
connect access reach
unreachable unavailable down
persist remain continue stay
need require necessary must
central centralized
normal usual
important crucial essential
begin start
finish complete end
copy duplicate
store save persist hold
get obtain fetch retrieve receive
send transmit
use utilize usage utilization consume
observe see monitor watch
additional extra more further
previous earlier old former
next subsequent following later
sometimes occasionally
contact reach notify
help assist support assistance
log record
return respond response reply
exclude omit skip
same identical equal
fill full
work function
accept take
attempt try
take last run
provide offer give supply
write record
log entry
alert alarm
own individual
affect impact influence
expect probable likely
pass cross exceed
request call
current present
maintain keep
set configure
specific particular
correct right
need want desire
block ban
silence mute
like such similar comparable
main primary master
"""
# What a sentence tells the reader to do, when, how often, or with whom. Its source must have it.
_CRITICAL = """
delete remove purge wipe erase truncate drop destroy discard format
restart reboot reload reset recreate reinstall redeploy rebuild reimage
stop kill terminate halt shutdown disable deactivate enable activate suspend pause resume
drain cordon evict scale resize migrate move switch failover failback promote demote rollback revert downgrade upgrade
restore backup snapshot archive compress encrypt decrypt rotate renew revoke grant approve reject escalate page notify
inform email call phone contact announce publish open close merge deploy install uninstall patch replace
flush clear clean vacuum reindex rebalance resync
lock unlock mount unmount attach detach ban block unblock whitelist throttle skip bypass ignore force override
minute hour day week month year night weekend midnight morning evening hourly daily nightly weekly monthly quarterly
yearly immediately permanently automatically always forever guaranteed
team engineer manager director customer vendor lawyer security legal finance auditor oncall supervisor
cost price fee license approval permission ticket meeting
"""


def _pair_sides() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _OPPOSITES.strip().splitlines():
        one, other = (frozenset(root(word) for word in side.split()) for side in line.split("/"))
        for words, opposites in ((one, other), (other, one)):
            for word in words:
                found.setdefault(word, set()).update(opposites - words)
    return MappingProxyType({word: frozenset(opposites) for word, opposites in found.items()})


def _group_synonyms() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _SYNONYMS.strip().splitlines():
        group = frozenset(map(root, line.split()))
        for word in group:
            found.setdefault(word, set()).update(group)
    return MappingProxyType({word: frozenset(group) for word, group in found.items()})


# By root.
OPPOSITES = _pair_sides()
SYNONYMS = _group_synonyms()
CRITICAL = frozenset(map(root, _CRITICAL.split()))
# Letters of a word that a prefix may turn into its opposite: not 'it' and 'unit'.
MIN_PREFIXED_LENGTH = 4
# Others make words that are no opposites: design, display, inform.
_PREFIXES = ("un", "non", "mis")


def are_opposite(one: str, other: str) -> bool:
    """Whether two roots contradict each other: a known pair, or one is the other with a prefix such as 'un'."""
    short, long = sorted((one, other), key=len)
    return other in OPPOSITES.get(one, ()) or (
        len(short) >= MIN_PREFIXED_LENGTH and any(prefix + short == long for prefix in _PREFIXES)
    )
