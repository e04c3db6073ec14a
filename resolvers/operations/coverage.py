"""Words of a question that an operation would ignore: each word must be its cue, a value, or carry no condition."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from resolvers.operations.catalog import Operation, VariableKind
from resolvers.operations.cues import TO_RUN, Direction, has_two_directions, is_direction_word
from resolvers.operations.entities import Entities, Mention
from resolvers.operations.filters import PRIORITY_WORD, STATE_WORDS
from resolvers.operations.words import STOP_WORDS, split_words, stem, stems

# Words without a condition. Negations, comparisons, numbers, times, persons and nouns can never be here.
_FILLERS = frozenset(
    {
        "a", "an", "the", "is", "are", "am", "be", "being", "do", "does", "has", "have", "what", "which", "that", "of",
        "for", "on", "upon", "in", "at", "to", "with", "about", "from", "any", "some", "all", "please", "pls", "kindly",
        "tell", "show", "give", "list", "find", "get", "see", "display", "thanks", "thank", "hi", "hello", "hey",
    }
)  # fmt: skip
_COURTESY = re.compile(
    r"(?:(?:hi|hello|hey|ok|please) )*(?:(?:can|could|would|will) (?:you|i|we)|i (?:want|need|like) to|"
    r"i would like to|do you know|let (?:me|us)|i want|i need|i am looking for)(?: please)?(?: know)?(?= )"
)
_TO_ME = frozenset({"show", "tell", "give", "get", "find", "list"})
_AUXILIARIES = frozenset({"do", "can", "should", "must", "may", "are", "have", "if"})
_ARTICLES = frozenset({"the", "a", "an", "our"})
_PREPOSITIONS = frozenset({"of", "on", "in", "at", "from", "for", "with", "within", "behind", "under"})
_GENERIC = frozenset(
    {
        "service", "services", "system", "systems", "item", "items", "thing", "things", "component", "components",
        "something", "anything", "everything",
    }
)  # fmt: skip
_BE = frozenset({"is", "are", "be", "being"})
_MARKS: Mapping[VariableKind, str] = {kind: kind.lower() for kind in VariableKind}


def list_ignored(operation: Operation, entities: Entities, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """Return the words that an operation would ignore when it is filled with mentions, in their order, each once.

    Also words that say something else than the operation does: a second relation, as in 'what depends on what depends
    on redis', or the other way round, as in 'what affects redis'.
    """
    return tuple(dict.fromkeys([*entities.signs, *_Question(operation, entities, mentions).ignored()]))


class _Question:
    """A question in lower case, with a mark such as `item0` in the place of each mention."""

    def __init__(self, operation: Operation, entities: Entities, mentions: Sequence[Mention]) -> None:
        self._operation = operation
        self._cues = _cues_of(operation)
        self._has_filters = bool(operation.optional)
        self._priorities = bool(entities.priorities)
        self.words: list[str] = []
        self._marks: dict[int, str] = {}
        counts: dict[VariableKind, int] = {}
        place = 0
        for mention in sorted(mentions, key=lambda each: each.start):
            self.words += (word.lower() for word in entities.words[place : mention.start])
            self._marks[len(self.words)] = " ".join(entities.words[mention.start : mention.end]).lower()
            number = counts.get(mention.kind, 0)
            counts[mention.kind] = number + 1
            self.words.append(f"{_MARKS[mention.kind]}{number}")
            place = mention.end
        self.words += (word.lower() for word in entities.words[place:])
        courtesy = _COURTESY.match(" ".join(self.words))
        self._start = len(courtesy[0].split()) if courtesy else 0

    def ignored(self) -> Iterator[str]:
        for place in range(self._start, len(self.words)):
            if place not in self._marks and not self._is_covered(place):
                yield self.words[place]
        yield from self._repeated()
        if self._operation.name in set(Direction):
            yield from self._second_direction()
        text = " ".join(self.words)
        for pattern in self._operation.unlike:
            if match := re.search(pattern, text):
                yield self._unmark(match[0])

    def _unmark(self, text: str) -> str:
        names = {self.words[place]: name for place, name in self._marks.items()}
        return " ".join(names.get(word, word) for word in text.split())

    def _is_covered(self, place: int) -> bool:
        word, before, after = self._at(place), self._at(place - 1), self._at(place + 1)
        if word in _GENERIC:
            return word in self._cues.exact and not self._is_nested(place)
        if word in STATE_WORDS:
            return self._is_filter(word) or word in self._cues.exact
        if word == PRIORITY_WORD and self._priorities:
            return self._has_filters and self.words.count(word) == 1
        if self._priorities and self._is_bound(place):
            return False
        if word == "how":
            return after in {"many", "is", "are", "do", "can", "bad", "risky"} and word in self._cues.exact
        if word == "every":
            return self._has_filters and after in {*STATE_WORDS, PRIORITY_WORD, "incident", "ticket"}
        if word == "many":
            return before == "how" and word in self._cues.exact
        if word == "by" and self._operation.name in set(Direction):
            return is_direction_word(before) or place == 0
        return word in _FILLERS or word in self._cues.exact or self._is_function_word(place) or self._is_cue(place)

    def _is_bound(self, place: int) -> bool:
        """Whether a preposition makes a priority an end of a range, as in 'from P3 on', but not in 'P3 on redis'."""
        word = self._at(place)
        if word in {"from", "to"} and PRIORITY_WORD in {self._at(place - 1), self._at(place + 1)}:
            return True
        rest = place + 1
        while self._at(rest) in _ARTICLES:
            rest += 1
        return word == "on" and self._at(place - 1) == PRIORITY_WORD and rest not in self._marks

    def _is_filter(self, word: str) -> bool:
        return self._has_filters and sum(each in STATE_WORDS for each in self.words) == 1

    def _is_function_word(self, place: int) -> bool:
        """Whether a pronoun or a conjunction stands where it has no meaning of its own."""
        word, before = self._at(place), self._at(place - 1)
        if word == "me":
            return before in _TO_ME
        if word in {"we", "you"}:
            return before in _AUXILIARIES
        if word in {"this", "these", "our"}:
            return place + 1 in self._marks
        if word == "there":
            return before in {"is", "are"} or self._at(place + 1) in {"is", "are"}
        return word == "and" and place == 0

    def _is_cue(self, place: int) -> bool:
        word = self._at(place)
        is_direction = self._operation.name in set(Direction) and is_direction_word(word)
        if not is_direction and (word in STOP_WORDS or stem(word) not in self._cues.stems):
            return False
        # 'Owned' and 'used' are about the past, unless they are passive.
        is_passive = bool(_BE & set(self.words[:place])) or self._at(place + 1) == "by"
        return not word.endswith("ed") or is_passive

    def _is_nested(self, place: int) -> bool:
        """Whether a noun such as `services` is a relation of its own, as in 'services on redis', or the second one."""
        if any(word in _GENERIC for word in self.words[:place]):
            return True
        if self._at(place + 1) not in _PREPOSITIONS or self._at(place - 1) in {"upstream", "downstream"}:
            return False
        rest = place + 2
        while self._at(rest) in _ARTICLES:
            rest += 1
        return rest in self._marks

    def _repeated(self) -> Iterator[str]:
        """Yield words that stand twice, as in 'owner of the owner', but not 'what fails if redis fails'."""
        seen: set[str] = set()
        for place, word in enumerate(self.words):
            if word in {"if", "when"}:
                seen.clear()
            if place in self._marks or word in STOP_WORDS:
                continue
            if stem(word) in seen:
                yield word
            seen.add(stem(word))

    def _second_direction(self) -> Iterator[str]:
        """Yield a word of a direction behind another one, but not in 'downstream consumers' or 'needs to run'.

        All of them if they name both directions, as in 'upstream users'.
        """
        text = TO_RUN.sub("", " ".join(self.words))
        text = re.sub(r"\b(?:upstream|downstream) (?=\w)", "", text)
        if has_two_directions(" ".join(self.words)):
            yield from filter(is_direction_word, self.words)
        else:
            yield from list(filter(is_direction_word, text.split()))[1:]

    def _at(self, place: int) -> str:
        return self.words[place] if 0 <= place < len(self.words) else ""


class _Cues:
    """The words of an operation: exact ones, and stems of those of its examples."""

    def __init__(self, operation: Operation) -> None:
        texts = [_PLACE.sub(" ", example) for example in operation.examples]
        words = {word.lower() for text in texts for word in split_words(text)}
        self.exact = frozenset(words | {word.lower() for word in (*operation.words, *operation.needs)})
        self.stems = stems(" ".join([*texts, *operation.needs]))


_PLACE = re.compile(r"\{\w+\}")


@lru_cache(maxsize=256)
def _cues_of(operation: Operation) -> _Cues:
    return _Cues(operation)
