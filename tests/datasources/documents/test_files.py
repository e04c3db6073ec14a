"""Files become documents: front matter, HTML as Markdown, encodings, and reasons that name line and remedy."""

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasources.documents.errors import DocumentFileError
from datasources.documents.files import MAX_FILE_BYTES, find_files, read_document
from datasources.documents.front_matter import FrontMatter, split_front_matter
from datasources.documents.html import convert_html
from datasources.records.documents import DocumentKind

FULL = """---
title: "Fail over: Redis"
key: 42
kind: runbook
team: storage
restricted_team: security
items: [gitlab/redis, demo/a/b, gitlab/redis]
tags: [x]
author: me
---
# Body
"""


def test_front_matter_gives_all_fields_and_counts_others() -> None:
    items = (("gitlab", "redis"), ("demo", "a/b"))
    assert split_front_matter(FULL) == (
        FrontMatter("Fail over: Redis", "42", DocumentKind.RUNBOOK, "storage", "security", items, 2),
        "# Body\n",
    )


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("# No front matter\n---\n", "# No front matter\n---\n"),
        ("---\n---\nbody", "body"),
        ("---\r\nother: 1\r\n---\r\nbody\r\n", "body\n"),
        ("---\n# comment\n...\nbody", "body"),
        ("----\ntext", "----\ntext"),
        ("\n \r\n---  # comment\nother: 1\n---\nbody", "body"),
        ("", ""),
    ],
)
def test_text_below_the_front_matter(text: str, body: str) -> None:
    front_matter, found = split_front_matter(text)
    assert found == body
    assert front_matter.title is None


@pytest.mark.parametrize(
    ("front_matter", "reason"),
    [
        ("title: a", "line 1: the front matter has no end; write --- on a line of its own below it"),
        ("\ntitle: [a]\n---\n", "line 3: title is no text; put it in quotes"),
        (
            "\nrestricted-team:\n---\n",
            "line 3: restricted_team has no value; name a team, or write '' for none",
        ),
        ("\nteam: a\nTeam: b\n---\n", "line 3: team is given twice; keep one"),
        ('\nteam: "a\\0b"\n---\n', "line 3: team has a NUL character; remove it"),
        ("a: 1\nkind: RUNBOK\n---\n", "line 3: kind is unknown; write RUNBOOK or KNOWLEDGE"),
        ("items: redis\n---\n", "line 2: items is no list of source/key; write items: [source/key, source/key]"),
        ("items: [redis]\n---\n", "line 2: items is no list of source/key; write items: [source/key, source/key]"),
        ("- a\n---\n", "line 2: the front matter is no list of fields; write them as name: value"),
    ],
)
def test_bad_front_matter_names_the_line_and_the_remedy(front_matter: str, reason: str) -> None:
    with pytest.raises(DocumentFileError) as caught:
        split_front_matter(f"---\n{front_matter}")
    assert str(caught.value) == reason


def test_yaml_that_cannot_be_read_names_its_line() -> None:
    with pytest.raises(DocumentFileError, match=r"front matter: .*line 3.*; put texts with a colon"):
        split_front_matter("---\nok: 1\ntitle: a: b\n---\n")


@given(st.text())
def test_any_front_matter_is_read_or_refused(text: str) -> None:
    with suppress(DocumentFileError):
        split_front_matter(f"---\n{text}")


def test_html_becomes_markdown() -> None:
    page = """<!doctype html><head><title>A  page</title><style>p {}</style><!-- <p>no --></head>
    <h1>Fail <em>over</em></h1><p>Use <code>pg_ctl</code>, see <a href="http://x">the docs</a> &amp; ask.</p>
    <ul><li>one <b>bold</b></li><li><p>two</p><ol><li>deep</li></ol></li></ul><p>a &lt; b</p>
    <pre><code># no heading
  x
</code></pre><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><script>alert(1)</script>end"""
    title, body = convert_html(page)
    assert title == "A page"
    assert [line for line in body.split("\n") if line] == [
        "# Fail over",
        "Use `pg_ctl`, see the docs & ask.",
        "- one bold",
        "- two",
        "  1. deep",
        "a < b",
        "```",
        "# no heading",
        "  x",
        "```",
        "| a | b",
        "| 1 | 2",
        "end",
    ]


@pytest.mark.parametrize("part", ["<a ", "<!--", "<!---->", "<", "</", "<![CDATA[>", "<div>", "&#", "<a b='>", "<?"])
def test_hostile_html_ends_quickly(part: str) -> None:
    begin = time.process_time()
    convert_html(part * 40_000)
    assert time.process_time() - begin < 10


@given(st.text(alphabet="<>/!-abp re=\"'&;\n", max_size=200))
def test_any_html_is_converted(text: str) -> None:
    convert_html(text)


def test_files_of_a_folder_have_their_paths_as_keys(tmp_path: Path) -> None:
    for name in ("b.md", "sub/a.HTML", "sub/c.d.txt", ".git/x.md", "x.py", ".hidden.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    found = list(find_files([tmp_path, tmp_path / "b.md"]))
    assert [key for key, _ in found] == ["b", "sub/a", "sub/c.d", "b"]
    with pytest.raises(DocumentFileError, match="is no file and no folder; check the path"):
        list(find_files([tmp_path / "absent"]))


@pytest.mark.parametrize(
    ("name", "data", "title", "body"),
    [
        ("a.md", b"# Big *one*\ntext", "Big one", "# Big *one*\ntext"),
        ("a.txt", b"text", "a", "text"),
        ("a.md", b"\xef\xbb\xbftext", "a", "text"),
        ("a.md", "\ufeffé".encode("utf-16-le"), "a", "é"),
        ("a.htm", b"<title>T</title><p>x", "T", "x"),
        ("a.md", b"---\ntitle: T\n---\n# Other", "T", "# Other"),
    ],
)
def test_title_and_text_of_a_file(tmp_path: Path, name: str, data: bytes, title: str, body: str) -> None:
    (tmp_path / name).write_bytes(data)
    document = read_document("key", tmp_path / name)
    assert (document.key, document.title, document.body) == ("key", title, body)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.md", b"ok \xff", "byte 3 is not UTF-8; save it as UTF-8"),
        ("a.md", b"a\0b", "has NUL bytes, so it is no text; save it as UTF-8"),
        ("a.md", b"x" * (MAX_FILE_BYTES + 1), "larger than 5,000,000 bytes; split it"),
        ("a.pdf", b"x", "its format is unknown; give a file of .htm, .html, .markdown, .md, .txt"),
        ("a.md", b"---\nkey: " + b"k" * 3_000 + b"\n---\n", "its key has 3,000 bytes; at most 2,600 are allowed"),
        ("a.htm", b"a&#0;<p>\xed\xa0\x80", "byte 8 is not UTF-8; save it as UTF-8"),
    ],
)
def test_reasons_of_refused_files(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DocumentFileError) as caught:
        read_document("key", tmp_path / name)
    assert str(caught.value) == reason


@pytest.mark.parametrize("name", ["restricted_team", "restricted-team", "Restricted_Team", "'RESTRICTED-TEAM'"])
def test_what_restricts_a_document_is_read_however_it_is_spelled(name: str) -> None:
    front_matter, _ = split_front_matter(f"\n\n---\n{name}: security\n---\nbody")
    assert (front_matter.restricted_team, front_matter.ignored) == ("security", 0)


def test_lists_in_lists_grow_with_the_page() -> None:
    page = "<ul><li>x" * 8_000
    _, body = convert_html(page)
    assert len(body) < 5 * len(page)
    assert body.count("x") == 8_000


def test_files_that_cannot_be_read_are_among_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "lost.md").symlink_to(tmp_path / "nowhere.md")
    outside = tmp_path.parent / f"{tmp_path.name}-outside.md"
    outside.write_text("secret")
    (tmp_path / "out.md").symlink_to(outside)
    (tmp_path / "in.md").symlink_to(tmp_path / "a.md")
    found = dict(find_files([tmp_path]))
    assert sorted(found) == ["a", "in", "lost"]
    with pytest.raises(DocumentFileError, match="cannot be read: No such file or directory"):
        read_document("lost", found["lost"])
    with pytest.raises(DocumentFileError, match="cannot be read: File name too long"):
        list(find_files([Path("a" * 300)]))


def test_a_folder_that_cannot_be_read_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "b.md").write_text("b")
    (tmp_path / "a.md").write_text("a")
    scandir = os.scandir

    def refuse(path: str) -> object:
        # Permissions do not stop root, who may run this.
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = dict(find_files([tmp_path]))
    assert sorted(found) == ["a", "locked"]
    with pytest.raises(DocumentFileError, match="the folder cannot be read; check its permissions"):
        read_document("locked", found["locked"])
