"""Documents are split at their structure: no line is lost, no block is cut, and any text ends quickly."""

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasources.documents.chunks import (
    MAX_BLOCK_CHARACTERS,
    MAX_CHUNK_CHARACTERS,
    Chunk,
    split_document,
)
from datasources.documents.markdown import MAX_HEADING_CHARACTERS, plain_heading, split_lines

WORDS = "restart the primary and wait until it answers " * 6

MARKDOWN_LINES = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                " ",
                "\t",
                "\x0b",
                "# One",
                "## Two",
                "### *Three*",
                "Set",
                "===",
                "---",
                "```",
                "~~~ sh",
                "- a",
                "  - b",
            ),
            *("1. c", "> q", "> # no", "    code", "| a | b |", "|---|---|", "[r]: http://x", "<!--", "-->", "<div>"),
        ]
    ),
    st.integers(1, 1_500).map("word ".__mul__),
    st.integers(700, 3_000).map("x. y ".__mul__),
    st.integers(3_990, 9_000).map("z".__mul__),
    st.text(max_size=30),
)
BODIES = st.one_of(
    st.text(),
    st.lists(st.tuples(MARKDOWN_LINES, st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))).map(
        lambda pairs: "".join(line + end for line, end in pairs)
    ),
)


def chunks_of(body: str, title: str = "Title") -> list[tuple[str, str]]:
    return [(chunk.heading, chunk.body) for chunk in split_document(title, body)]


@given(st.text(max_size=300), BODIES)
def test_laws(title: str, body: str) -> None:
    chunks = split_document(title, body)
    assert chunks == split_document(title, body)
    lines = split_lines(body)
    numbers = [number for chunk in chunks for number in range(chunk.first_line, chunk.last_line + 1)]
    # In order; repeated only if a line is too long for one chunk. The lines between chunks are blank.
    assert numbers == sorted(numbers)
    assert {number for number in numbers if numbers.count(number) > 1} <= {
        number for number, line in enumerate(lines, start=1) if len(line) > MAX_BLOCK_CHARACTERS
    }
    # No text is lost, wherever a line is cut.
    assert "".join("".join(chunk.body.split()) for chunk in chunks) == "".join(body.split())
    assert {number for number, line in enumerate(lines, start=1) if line.strip()} <= set(numbers)
    for chunk in chunks:
        own = lines[chunk.first_line - 1 : chunk.last_line]
        if len(own) > 1 or len(own[0]) <= MAX_BLOCK_CHARACTERS:
            assert chunk.body == "\n".join(own)
        assert own[0].strip()
        assert own[-1].strip()
        assert len(chunk.body) <= MAX_BLOCK_CHARACTERS
        assert chunk.heading.split(" > ")[0] == plain_heading(title).split(" > ", maxsplit=1)[0]
        assert len(chunk.heading) <= 7 * (MAX_HEADING_CHARACTERS + 3)
        assert chunk.content_hash == hashlib.sha256(f"{chunk.heading}\n{chunk.body}".encode()).hexdigest()


def test_a_chunk_names_the_headings_above_it_and_the_title_once() -> None:
    body = f"# Title\n{WORDS}\n## `Steps` of *one*\n{WORDS}\n### Deep\n{WORDS}\n## Roll back\n{WORDS}"
    assert [heading for heading, _ in chunks_of(body)] == [
        "Title",
        "Title > Steps of one",
        "Title > Steps of one > Deep",
        "Title > Roll back",
    ]
    assert split_document("Title", body)[1] == Chunk("Title > Steps of one", f"## `Steps` of *one*\n{WORDS}", 3, 4)


@pytest.mark.parametrize("fence", ["```", "~~~", "<!--"])
def test_a_heading_in_code_or_a_comment_is_no_heading(fence: str) -> None:
    end = "-->" if fence == "<!--" else fence
    body = f"# A\n{WORDS}\n{fence}\n# not a heading\n\n## nor this\n{end}\n{WORDS}"
    assert chunks_of(body) == [("Title > A", body)]


@pytest.mark.parametrize(
    "block",
    [
        "```\n" + "x\n\n" * 400 + "```",
        "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 120,
        "- an item\n" + "\n  more of it\n" * 90,
        "> quoted\n" * 130,
    ],
)
def test_blocks_are_not_cut(block: str) -> None:
    assert MAX_CHUNK_CHARACTERS - 300 < len(block) <= MAX_BLOCK_CHARACTERS
    block = block.strip()
    found = [body for _, body in chunks_of(f"{WORDS}\n\n{block}\n\n{WORDS}")]
    assert found in ([WORDS, block, WORDS], [WORDS, f"{block}\n\n{WORDS}"])


def test_blocks_are_packed_and_a_list_is_split_between_its_items() -> None:
    item = f"- {WORDS[:-1]}"
    found = [body for _, body in chunks_of("\n".join([item] * 12))]
    assert found == ["\n".join([item] * number) for number in (5, 5, 2)]
    paragraphs = "\n\n".join([WORDS] * 6)
    assert [len(body) for _, body in chunks_of(paragraphs)] == [5 * len(WORDS) + 8, len(WORDS)]


def test_a_block_beyond_the_bound_is_split_between_lines() -> None:
    fence = "```\n" + f"{'x' * 99}\n" * 50 + "```"
    found = [body for _, body in chunks_of(fence)]
    assert "\n".join(found) == fence
    assert [len(body) for body in found] == [1_303, 1_399, 1_399, 903]
    line = "y" * 4_000
    assert chunks_of(f"a\n{line}\nb") == [("Title", "a"), ("Title", line), ("Title", "b")]


@pytest.mark.parametrize(
    ("line", "sizes"),
    [
        ("y" * 4_001, [1_400, 1_400, 1_201]),
        # After a sentence in the second half of a chunk, else after a word.
        ("abc. " * 900, [1_399, 1_399, 1_399, 299]),
        ("abcd " * 900, [1_399, 1_399, 1_399, 299]),
        ("abcd " * 200 + "end. " + "abcd " * 800, [1_004, 1_399, 1_399, 1_199]),
        ("end. " + "abcd " * 1_000, [1_399, 1_399, 1_399, 804]),
        ("a" + " " * 9_000 + "b", [1, 1]),
    ],
)
def test_a_line_beyond_the_bound_is_divided(line: str, sizes: list[int]) -> None:
    chunks = split_document("Title", f"a\n\n{line}\n\nb")
    assert [len(chunk.body) for chunk in chunks[1:-1]] == sizes
    assert [(chunk.first_line, chunk.last_line) for chunk in chunks] == [(1, 1), *[(3, 3)] * len(sizes), (5, 5)]
    assert {chunk.heading for chunk in chunks} == {"Title"}


def test_all_of_a_long_document_of_one_line_is_in_chunks() -> None:
    chunks = split_document("Title", "word " * 2_000_000)
    assert sum(chunk.body.count("word") for chunk in chunks) == 2_000_000
    assert max(len(chunk.body) for chunk in chunks) == 1_399


def test_a_heading_stays_with_the_block_below_it() -> None:
    code = "```\n" + "x\n" * 697 + "```"
    assert chunks_of(f"{WORDS}\n# Run\n\n{code}") == [("Title", WORDS), ("Title > Run", f"# Run\n\n{code}")]


def test_tiny_sections_are_joined_with_the_next_of_the_same_parent() -> None:
    body = f"# A\n## One\nshort\n## Two\nshort\n## Three\n{WORDS}\n# B\n## Four\nshort\n# C\n{WORDS}"
    assert [(heading, text.count("#")) for heading, text in chunks_of(body)] == [
        # Of the sections of A and its heading, then B with its only section, then C.
        ("Title > A", 7),
        ("Title > B > Four", 3),
        ("Title > C", 1),
    ]


def test_an_introduction_is_joined_with_the_first_section() -> None:
    assert chunks_of("# Title\nAbout it.\n## Check\nLook.") == [
        ("Title > Check", "# Title\nAbout it.\n## Check\nLook.")
    ]


def test_lines_count_in_the_body_as_it_is_stored() -> None:
    body = f"\r\n\r\n# A\r{WORDS}\r\n\n## B\n{WORDS}\n\n"
    assert [(chunk.first_line, chunk.last_line) for chunk in split_document("T", body)] == [(3, 4), (6, 7)]


@pytest.mark.parametrize("body", ["", "\n", " \r\n\t\n", "\x0b\x0c"])
def test_blank_documents_have_no_chunks(body: str) -> None:
    assert split_document("Title", body) == []


@pytest.mark.parametrize(
    "body",
    [
        "#" * 10_000,
        "#\n" * 10_000,
        "# " + "[" * 50_000,
        "# " + "*a_" * 20_000,
        "```\n" + "x\n" * 50_000,
        ">" * 10_000 + "a",
        "> - " * 5_000 + "x",
        "".join("  " * depth + "- a\n" for depth in range(400)),
        "- " * 10_000 + "a",
        "1. a\n" * 10_000,
        "[a]: b\n" * 10_000,
        "|a" * 2_000 + "\n" + "|-" * 2_000 + "\n" + ("|b" * 2_000 + "\n") * 20,
        "<a " * 50_000,
        "x" * 1_000_000,
        "a\r" * 20_000,
        "\x00\x1b\u2028\x85" * 20_000,
        "a\n===\n" * 10_000,
    ],
)
def test_hostile_texts_end_quickly(body: str) -> None:
    begin = time.process_time()
    chunks = split_document("Title", body)
    assert time.process_time() - begin < 10
    assert sum(len("".join(chunk.body.split())) for chunk in chunks) == len("".join(body.split()))
