"""HTML as Markdown: headings, lists, code, tables row by row, and the text of everything else that is shown."""

import re
from html.parser import HTMLParser

_HIDDEN = frozenset({"script", "style", "noscript", "template", "svg"})
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "dd", "details", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "footer", "form", "header", "hr", "main", "nav", "ol", "p", "section",
        "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
    }
)  # fmt: skip
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
# A sign that begins no tag. Python's parser takes quadratic time for many of them.
_NO_TAG = re.compile(r"<(?!(?:/?[a-z]|!doctype)[^<>]*>)", re.IGNORECASE)
# Deeper lists are indented no further, so that the text does not grow with the square of the page.
MAX_LIST_DEPTH = 10
_SPACES = re.compile(r"\s+")


class _Converter(HTMLParser):
    """Collects the lines of a page; `title` is that of its head."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.parts: list[str] = []
        self._hidden = 0
        self._lists: list[str] = []
        self._is_code = self._is_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_title = tag == "title" and not self.title
        self._hidden += tag in _HIDDEN
        if tag in _HEADINGS:
            self._write(f"\n\n{_HEADINGS[tag]} ")
        elif tag == "pre":
            self._write("\n\n```\n")
            self._is_code = True
        elif tag == "li":
            self._write(
                "\n"
                + "  " * min(len(self._lists) - 1, MAX_LIST_DEPTH)
                + ("1. " if self._lists[-1:] == ["ol"] else "- ")
            )
        elif tag in {"td", "th"}:
            self._write("| ")
        elif tag == "code" and not self._is_code:
            self._write("`")
        elif tag in {"br", "tr"}:
            self._write("\n")
        elif tag in _BLOCKS and not (tag == "p" and self._lists):
            self._write("\n\n")
        if tag in {"ol", "ul"}:
            self._lists.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._is_title = False
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1
        elif tag == "pre" and self._is_code:
            self._is_code = False
            self._write("\n```\n\n")
        elif tag == "code" and not self._is_code:
            self._write("`")
        elif tag in {"ol", "ul"} and self._lists:
            self._lists.pop()
            self._write("" if self._lists else "\n\n")
        elif tag in {"td", "th"}:
            self._write(" ")
        elif tag in _HEADINGS or (tag in _BLOCKS - {"tr"} and not self._lists):
            self._write("\n\n")

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title += data
        elif self._is_code:
            self._write(data)
        elif text := _SPACES.sub(" ", data):
            # Space between tags is layout, unless it separates words.
            is_after_space = not self.parts or self.parts[-1][-1:] in {" ", "\n", ""}
            self._write(text.lstrip() if is_after_space else text)

    def _write(self, text: str) -> None:
        if text and not self._hidden:
            self.parts.append(text)


def convert_html(text: str) -> tuple[str, str]:
    """Return the title of a page, which can be empty, and its text as Markdown."""
    converter = _Converter()
    converter.feed(_NO_TAG.sub("&lt;", _without_comments(text)))
    converter.close()
    lines = "".join(converter.parts).split("\n")
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")
    return " ".join(converter.title.split()), body


def _without_comments(text: str) -> str:
    parts, begin = [], 0
    while (comment := text.find("<!--", begin)) >= 0:
        parts.append(text[begin:comment])
        end = text.find("-->", comment)
        begin = end + 3 if end >= 0 else len(text)
    return "".join(parts) + text[begin:]
