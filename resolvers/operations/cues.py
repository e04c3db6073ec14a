"""Words of a question that are read before its meaning is compared: demands, directions and restrictions."""

import re
from enum import StrEnum
from itertools import islice

# Verbs of change. With a word such as 'of' behind it, 'restart' is a noun.
_CHANGE = (
    "restart|reboot|reset|start|stop|kill|shut ?down|approve|reject|decline|close|resolve|reopen|cancel|"
    "delete|remove|drop|purge|destroy|wipe|create|add|insert|assign|reassign|escalate|acknowledge|ack|update|"
    "modify|edit|set|make|rename|move|migrate|promote|fail ?over|rotate|revoke|deploy|redeploy|release|"
    "roll ?back|revert|schedule|reschedule|run|execute|trigger|launch|drain|scale|grow|resize|extend|link|"
    "unlink|merge|import|upload|publish|retire|disable|enable|install|patch|upgrade|transfer|grant|mark|"
    "submit|declare|sign off|turn (?:on|off)|switch (?:on|off)|take down|bring (?:up|down)|get rid|"
    "open (?:an?|new|another)|change (?:the|its|their|all|this|owner|priority|state|status)"
)
_NOUN = r"(?! (?:of|for|on|about|between|history|status|plan)\b)"
_DEMAND = re.compile(
    r"(?:^|[.;:,!?{}()\n] ?|\b(?:and|then|please|pls|now|just|also|kindly|let'?s|you|someone|somebody|"
    r"(?:you|someone|somebody) to|me to?) )\W{0,5}(?:now |just |also |then |please )*"
    rf"(?:{_CHANGE})\b{_NOUN}"
)
_MUTATION = re.compile(r"\bmutation\b.*\{", re.DOTALL)


def demands_change(question: str) -> bool:
    """Whether a question demands a change, such as 'restart redis' or 'could you close it?'.

    Errs on the side of yes; 'who approves the restart of redis?' is no.
    """
    text = re.sub(r"[^\S\n]+", " ", question.lower()).strip()
    return bool(_DEMAND.search(text) or _MUTATION.search(text))


_PROCEDURE = re.compile(
    rf"\bhow (?:to|do|can|should|would|could|must|shall)\b(?: (?:i|we|you|one|somebody))? "
    rf"(?:{_CHANGE}|fix|repair|recover|restore|troubleshoot|debug|configure|solve|mitigate|handle|test|verify)\b"
)


def wants_procedure(question: str) -> bool:
    """Whether a question is for steps to follow, such as 'how do I fail over redis?', which documents answer."""
    return bool(_PROCEDURE.search(question.lower()))


class Direction(StrEnum):
    """In which direction a question follows relationships."""

    DEPENDENTS = "dependents"
    DEPENDENCIES = "dependencies"


_VERB = (
    r"(?:depend(?:s|ing|ed)?(?: up)?(?: on)?|rel(?:y|ies|ying|ied)(?: up)?(?: on)?|us(?:e|es|ing)|needs?|needing|"
    r"requir(?:es?|ing)|call(?:s|ing)?(?! about| for)|consum(?:es?|ing)|run(?:s|ning)?(?: on)?|sits? on|"
    r"buil[dt]s?(?: on)?|based on|hosted (?:on|by)|connects? to|talks? to)"
)
_PASSIVE = r"(?:used|needed|required|called|consumed)"
# In each list, the first that matches decides; a noun such as 'consumers' comes before a verb without a passive.
_PASSIVES: tuple[tuple[re.Pattern[str], Direction], ...] = (
    (re.compile(rf"\bby (?:what|whom|which)\b.*\bitem0\b.*\b{_PASSIVE}\b"), Direction.DEPENDENTS),
    (re.compile(rf"\b{_PASSIVE} by\b.*\bitem0\b"), Direction.DEPENDENCIES),
    (re.compile(rf"\bitem0\b.*\b{_PASSIVE} by\b"), Direction.DEPENDENTS),
)
_NOUNS: tuple[tuple[re.Pattern[str], Direction], ...] = (
    (re.compile(r"\b(?:dependents?|dependants?|consumers?|users|clients|downstream)\b"), Direction.DEPENDENTS),
    (re.compile(r"\b(?:dependency|dependencies|prerequisites?|upstream)\b"), Direction.DEPENDENCIES),
)
_VERBS: tuple[tuple[re.Pattern[str], Direction], ...] = (
    (re.compile(rf"\bitem0\b.*\b{_VERB}\b"), Direction.DEPENDENCIES),
    (re.compile(rf"\b{_VERB}\b.*\bitem0\b"), Direction.DEPENDENTS),
)
# In 'needs to run', which has no second direction.
TO_RUN = re.compile(r"\bto (?:run|work|function|operate)\b")


# Verbs that are about nothing but dependencies.
_DEPENDING = re.compile(
    r"\b(?:depend\w*|rel(?:y|ies|ying|ied)|us(?:e|es|ing)|used by|consumers?|upstream|downstream)\b"
)


_DIRECTION_WORD = re.compile(
    r"depend\w*|rel(?:y|ies|ying|ied)|us(?:e|es|ed|ing|ers)|need\w*|requir\w+|call\w*|consum\w+|runs?|running|sits?|"
    r"buil[dt]s?|based|hosted|connects?|talks?|clients|upstream|downstream|prerequisites?"
)


def is_direction_word(word: str) -> bool:
    """Whether a lower-case word belongs to the words that name a direction."""
    return bool(_DIRECTION_WORD.fullmatch(word))


def read_direction(words: str) -> Direction | None:
    """Return the direction that a question names; its item is `item0` in `words`, which are lower-case.

    None if there is none, or if it names both, as 'upstream users' does.
    """
    if has_two_directions(words):
        return None
    patterns = (*_PASSIVES, *_NOUNS, *_VERBS)
    return next((direction for pattern, direction in patterns if pattern.search(words)), None)


def has_two_directions(words: str) -> bool:
    """Whether nouns and the verb of a question name both directions, as in 'upstream services that use redis'."""
    directions = {direction for pattern, direction in _NOUNS if pattern.search(words)}
    if directions:
        verbs = (*_PASSIVES, *_VERBS)
        text = TO_RUN.sub("", words)
        directions |= set(islice((direction for pattern, direction in verbs if pattern.search(text)), 1))
    return len(directions) > 1


def is_about_dependencies(words: str) -> bool:
    """Whether lower-case words, without stop words or not, have one that is about nothing but dependencies."""
    return bool(_DEPENDING.search(words))


_RESTRICTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"\b(?:not(?! resolved)|never|without|except|excluding|neither|nor|besides|unless|other than|cannot)\b|"
            r"n['’]t\b",
            re.I,
        ),
        "no operation leaves out what a question excludes",
    ),
    (
        re.compile(
            r"\b(?:yesterday|tomorrow|ago|since|until|(?:last|next|past|this|previous|coming) (?:\d+ |few )?"
            r"(?:minute|hour|day|night|week|weekend|month|quarter|year)s?|(?:19|20)\d\d)\b",
            re.I,
        ),
        "no operation takes a time",
    ),
    (
        re.compile(r"\b(?:and|or)(?: \w+)? (?:who|whose|what|which|when|where|why|how)\b", re.I),
        "it has two questions; ask them one by one",
    ),
)


def read_restriction(question: str) -> str:
    """Return why no operation can answer all of a question: it excludes something, has a time or two parts; else ''."""
    return next((reason for pattern, reason in _RESTRICTIONS if pattern.search(question)), "")


# What a comparison or a negation is written with.
_SIGN = re.compile(r"[<>≤≥≠¬±≈]|(?<!\S)[=~+%^|*#&→←∧∨∪∩]+(?!\S)|(?<!\S)[–—-](?!\S)|(?<!\w)[!~+-](?=\w)")


def read_signs(text: str) -> tuple[str, ...]:
    """Return the signs of a text that compare or leave out, such as '>', the '!' of '!P1' or a lone dash, each once."""
    return tuple(dict.fromkeys(_SIGN.findall(text)))
