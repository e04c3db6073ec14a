"""JSON that is nested more deeply than readers that recurse can follow, made shallow."""

import re

# Levels that are left of it: more than any gate lets through, so that what was cut is refused by name.
MAX_LEVELS = 100
# Texts and runs of brackets that are looked at: about half a second.
MAX_TOKENS = 1_000_000

# A whole text, or to the end one that is never closed; and what begins or ends lists and objects.
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|([\[{]+)|[\]}]+', re.DOTALL)


def cut_json(data: bytes, levels: int = MAX_LEVELS) -> bytes:
    """The JSON with an empty list in place of each list or object below so many levels. Takes no recursion.

    What is no JSON stays none, and what has more than MAX_TOKENS stays as it is.
    """
    pieces = []
    level = begin = 0
    for count, token in enumerate(_TOKENS.finditer(data)):
        if count == MAX_TOKENS:
            return data
        start, end = token.span()
        if token[1] is not None:
            if level <= levels < level + end - start:
                pieces.append(data[begin : start + levels - level])
            level += end - start
        elif data[start] != ord('"'):
            if level - end + start <= levels < level:
                pieces.append(b"[]")
                begin = start + level - levels
            level -= end - start
    if level <= levels:
        pieces.append(data[begin:])
    return b"".join(pieces)
