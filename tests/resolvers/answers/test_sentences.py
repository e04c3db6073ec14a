"""Sentences are those of Markdown without its marks, with exact lines; any text is split quickly."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.answers.passages import Sentence
from resolvers.answers.sentences import split_sentences

TEXT = """# Head
Two of *three* nodes must answer. Ask each node
for its role, e.g. Redis. See [the page](http://x). Run `a. B` first.

1. Stop it. Then **wait**.
   ```sh
   systemctl stop x
   ```
2. Start it.
   - inner `a_b`

| name | does |
|---|---|
| x | `y` |

> 5 * 3 is not emphasised &amp; redis_sentinel_01 neither

<script>alert(1)</script>
"""


def test_sentences_have_their_text_and_lines() -> None:
    assert split_sentences(TEXT, 10) == [
        Sentence("Two of three nodes must answer.", 11, 11),
        Sentence("Ask each node for its role, e.g. Redis.", 11, 12),
        Sentence("See the page.", 12, 12),
        Sentence("Run a. B first.", 12, 12),
        Sentence("Stop it. Then wait.\nsystemctl stop x", 14, 17),
        Sentence("Start it.", 18, 18),
        Sentence("inner a_b", 19, 19),
        Sentence("x | y", 23, 23),
        Sentence("5 * 3 is not emphasised & redis_sentinel_01 neither", 25, 25),
    ]


def test_code_without_a_sentence_before_it_is_a_sentence() -> None:
    assert split_sentences("```\nredis-cli role\n```\nThen wait.", 1) == [
        Sentence("redis-cli role", 1, 3),
        Sentence("Then wait.", 4, 4),
    ]
    assert split_sentences("```\n\n```\n", 1) == []


@given(st.text(max_size=300))
def test_any_text_has_sentences_within_its_lines(text: str) -> None:
    last = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    for sentence in split_sentences(text, 1):
        assert 1 <= sentence.first_line <= sentence.last_line <= last
        assert sentence.text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "#" * 4_000,
        "> " * 2_000,
        "- " * 2_000,
        "[" * 4_000,
        "*a " * 1_300,
        "```\n" * 1_000,
        "| a " * 1_000,
        "a. B " * 800,
    ],
)
def test_hostile_texts_end_quickly(text: str) -> None:
    start = time.process_time()
    split_sentences(text, 1)
    assert time.process_time() - start < 2
