"""Marks of HTML and Markdown that a page would obey, in a text that should have none."""

import re
from collections.abc import Iterator

# https://html.spec.whatwg.org/multipage/indices.html#elements-3, and the obsolete ones that browsers still know.
_HTML = """
a abbr acronym address applet area article aside audio b base bdi bdo big blink blockquote body br button canvas
caption center cite code col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption
figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label
legend li link main map mark marquee math menu meta meter nav noframes noscript object ol optgroup option output p
param picture portal pre progress q rp rt ruby s samp script search section select slot small source span strike
strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var
video wbr
"""
# Elements of HTML, in lower case.
ELEMENTS = frozenset(_HTML.split())
_START = rf"</?(?:{'|'.join(sorted(ELEMENTS, key=len, reverse=True))})(?=[\s/>]|$)"
# A tag, also one that has no end; an attribute; a comment; a link; the target of a link; strong emphasis.
_MARKUP = re.compile(
    rf"{_START}[^>]*>?|</?[a-z][^<>]*=[^>]*>?|<[!?][^>]*>?|(?:\[[^\[\]\n]*)?\]\([^)\n]*\)?|^[ \t]*\[[^\[\]\n]+\]:.*"
    r"|\*\*(?=\S)[^*\n]+(?<=\S)\*\*",
    re.IGNORECASE | re.MULTILINE,
)


def list_markup(text: str) -> Iterator[str]:
    """Yield the pieces of a text that are tags of HTML, links or emphasis, each with its attributes or its target.

    A name in angle brackets that is no element of HTML is none, as `<host>`.
    """
    yield from (match[0] for match in _MARKUP.finditer(text))
