"""Changes of sentences: those that keep the meaning, and those that a check must find."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from resolvers.answers.words import content_words, tokenize

# Pairs of the earlier experiment and others, none taken from the vocabulary of the rules.
ANTONYMS = (
    "enable disable", "start stop", "primary replica", "increase decrease", "before after", "add remove", "up down",
    "high low", "more less", "first last", "open close", "lock unlock", "allow deny", "success failure", "old new",
    "always never", "upgrade downgrade", "read write", "healthy unhealthy", "minimum maximum", "create delete",
    "include exclude", "incoming outgoing", "internal external", "available unavailable", "manually automatically",
)  # fmt: skip
# `{0}` and `{1}` are words of the source.
TAILS = (
    ", and page the database team within fifteen minutes of the alert.",
    " and then reboot the host twice.",
    ", which costs about three hundred dollars per hour.",
    ", because the vendor ended support for the old protocol.",
    "; ask the security officer for a written exception first.",
    ", and forward a screenshot to the customer success manager.",
    " unless the moon is visible from the data centre.",
    ", so the nightly export has to be repeated by hand.",
    ", and restart {0} every night.",
    ", so {0} never loses {1} during a migration.",
    " after you delete the {0} of the {1}.",
    ", because {0} overwrites the {1} after thirty days.",
    "; escalate to the owner of {0} if {1} takes longer than an hour.",
    ", and disable {0} until the {1} has been approved by a director.",
    ", which encrypts {0} with the password of {1}.",
    " and roll {0} back to the version of last week.",
)
# Written after the rules were finished.
UNSEEN_TAILS = (
    ", and copy the result into the spreadsheet of the release.",
    " before the cache has warmed up again.",
    ", because otherwise the kernel panics.",
    ", which was introduced after an outage in spring.",
    "; the limit is tripled on public holidays.",
    " and leave a comment in the chat room.",
    ", so {0} should be tested with {1} on a laptop.",
    ", and {0} then sends {1} to the archive.",
    " while {0} is being migrated to another region.",
    ", as {0} depends on {1}.",
    "; run {0} again as root if {1} hangs.",
    ", and remove {0} from the {1}.",
)
# The first that applies; none is equal in meaning.
_QUANTIFIERS = (
    (r"\b(?:every|each|all)\b", "some"),
    (r"\bat least\b", "at most"),
    (r"\bmore than(?= \d)", "at most"),
    (r"\bsome\b", "all"),
    (r"\bmost\b(?= \w+s\b)", "all"),
)
_CONDITION_AT_END = re.compile(r"(\w+(?: \S+){3,}?),? (?:unless|except|until|without|only if|if|before) [^,]*")
_CONDITION_AT_BEGIN = re.compile(r"(?:If|Unless|Until|Before) [^,]*, (\w+(?: \S+){3,})")
_NEGATED = re.compile(r"\b(?:not|never|no|cannot|without|none|nor)\b|n't\b", re.IGNORECASE)
_SMALL_WORDS = "the a an of to in on for and or is are be by with it this that as at from if you can"


@dataclass(frozen=True, slots=True)
class Original:
    """A true sentence, its source, one of another document, and the chance by which it is changed."""

    sentence: str
    source: str
    other: str
    random: Random


# None if a change does not apply.
Change = Callable[[Original], str | None]


def paraphrase(original: Original) -> str:
    """Drop some small words, replace some phrases, and exchange two clauses."""
    text = re.sub(r"\bYou (should|can|need to)\b", r"One \1", original.sentence)
    text = text.replace("In order to", "To").replace(" e.g. ", " for example ")
    words = [
        word for word in text.split() if word.lower() not in _SMALL_WORDS.split() or original.random.random() >= 0.35
    ]
    text = " ".join(words)
    if ", " in text and original.random.random() < 0.5:
        first, rest = text.split(", ", 1)
        return f"{rest} {first}"
    return text


def change_number(original: Original) -> str | None:
    """Add 7 to the first number."""
    match = re.search(r"\d+", original.sentence)
    return match and f"{original.sentence[: match.start()]}{int(match[0]) + 7}{original.sentence[match.end() :]}"


def change_name(original: Original) -> str | None:
    """Replace the first name of code in the source that the sentence has by one of another document."""
    mine = [name for name in re.findall(r"`([^`\n]+)`", original.source) if name in original.sentence]
    others = [
        name for name in re.findall(r"`([^`\n]+)`", original.other) if name.lower() not in original.source.lower()
    ]
    return original.sentence.replace(mine[0], f"`{others[0]}`") if mine and others else None


def swap_antonym(original: Original) -> str | None:
    """Replace a word by its opposite."""
    for pair in ANTONYMS:
        for one, opposite in (pair.split(), pair.split()[::-1]):
            if re.search(rf"\b{one}\b", original.sentence, re.IGNORECASE):
                return re.sub(rf"\b{one}\b", opposite, original.sentence, flags=re.IGNORECASE)
    return None


def negate(original: Original) -> str | None:
    """Insert 'not' after the first auxiliary verb of a sentence without a negation."""
    match = re.search(r"\b(?:should|can|will|is|are|must)\b", original.sentence)
    return (
        f"{original.sentence[: match.end()]} not{original.sentence[match.end() :]}"
        if match and not _NEGATED.search(original.sentence)
        else None
    )


def drop_negation(original: Original) -> str | None:
    """Remove the only negation."""
    words = re.findall(r"\b(?:not|never)\s|n't\b", original.sentence)
    return re.sub(r"\b(?:not|never)\s|n't\b", "", original.sentence) if len(words) == 1 else None


def change_quantifier(original: Original) -> str | None:
    """Replace a quantifier by another one."""
    for pattern, other in _QUANTIFIERS:
        if re.search(pattern, original.sentence):
            return re.sub(pattern, other, original.sentence, count=1)
    return None


def drop_condition(original: Original) -> str | None:
    """Leave out a condition at the beginning or the end."""
    match = _CONDITION_AT_BEGIN.fullmatch(original.sentence) or _CONDITION_AT_END.fullmatch(original.sentence)
    return match and match[1]


def append_from(tails: tuple[str, ...]) -> Change:
    """Return the change that appends one of these clauses."""

    def append_tail(original: Original) -> str:
        words = [word for word in content_words(tokenize(original.source)) if len(word) > 4 and word.isalpha()] or [
            "service"
        ]
        return original.sentence.rstrip(".:!? ") + original.random.choice(tails).format(
            original.random.choice(words), original.random.choice(words)
        )

    return append_tail


CORRUPTIONS: Mapping[str, Change] = {
    "number changed": change_number,
    "name changed": change_name,
    "antonym": swap_antonym,
    "negation inserted": negate,
    "negation dropped": drop_negation,
    "quantifier changed": change_quantifier,
    "condition dropped": drop_condition,
    "invented clause": append_from(TAILS),
    "invented clause, unseen": append_from(UNSEEN_TAILS),
}
