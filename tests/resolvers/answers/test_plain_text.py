"""Plain text of a model's sentences: marks, links, images and tags go; code, names in brackets and signs stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.answers.plain_text import PlainSentence, to_plain_text

SOURCE = (
    "# Failover\n\nSet `__init__`, run `cp <source> .` and `SELECT count(*) FROM t WHERE a*b`. It has a **role**, _x_."
)


def plain(text: str, *sources: str) -> str:
    return to_plain_text(text, sources or (SOURCE,)).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**Restart** the *node* __now__ and _then_ ***wait***.", "Restart the node now and then wait."),
        ("## Restart the node ##", "Restart the node"),
        ("> 1. - Restart it.", "Restart it."),
        ("| node | role |", "node | role"),
        ("Read [the page](https://evil.example/x?a=b) first.", "Read the page first."),
        ("Read [the page](javascript:alert(1)) first.", "Read the page first."),
        ("Look: ![secret](https://evil.example/x.png) there.", "Look: there."),
        ("See <https://a.example/b>.", "See https://a.example/b."),
        ("<b>Restart</b> it<br/> <!-- hidden --> now.", "Restart it now."),
        ("<script>alert(1)</script>", "alert(1)"),
        ('<img src=x onerror="alert(1)"> Restart it.', "Restart it."),
        ('<host class="x">a</host>', "a"),
        ("Run `redis-cli -h <host>` now.", "Run redis-cli -h <host> now."),
        ("Run ``a`b`` now.", "Run a`b now."),
        ("Use ssh <host> if a < b and <your-host> is up, or <HOST_IP>.",) * 2,
        ("Set a_b_c, --opt_x, *.log, *args, **kwargs and 2 * 3 * 4.",) * 2,
        ("Set __init__.", "Set __init__."),
        ("cp <source> .", "cp <source> ."),
        ("cp <output> .", "cp ."),
        ("SELECT count(*) FROM t WHERE a*b",) * 2,
        ("It has a **role**, and _x_.", "It has a role, and x."),
        ("```sh\nls *.a *.b\n```", "ls *.a *.b"),
        ("\\*not emphasis\\* &amp; so on", "*not emphasis* & so on"),
        ("![](x)", ""),
    ],
)
def test_a_sentence_is_plain_text(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_code_is_checked_as_code() -> None:
    assert to_plain_text("**Run `redis-cli role`**", []) == PlainSentence("Run redis-cli role", "Run `redis-cli role`")


def test_a_mark_stays_only_for_the_source_that_has_it() -> None:
    assert plain("Set __init__.", "Set init.") == "Set init."
    assert plain("Set __init__.", "Set __init__.") == "Set init."
    assert plain("Set __init__.", "Nothing.", "Set `__init__`.") == "Set __init__."


@given(st.text(alphabet="ab01 .,:;-()'\"/=+?%", max_size=60).map(lambda text: " ".join(text.split())))
def test_text_without_marks_stays(text: str) -> None:
    if not text.startswith(("-", "+", "0", "1")):
        assert plain(text) == text


@given(st.text(alphabet="ab*_`[]()<>!#\\&;:/ \n~|", max_size=80))
def test_no_tag_and_no_target_of_a_link_remains(text: str) -> None:
    found = plain(f"{text} <b>c</b> [word](https://evil.example)", "nothing")
    assert "evil.example" not in found or "`" in text or "\\" in text or "[" in text or "<" in text
    assert found == found.strip()


def test_an_endless_sentence_takes_no_time() -> None:
    for text in ("*a " * 1_800, "[" * 5_600, "`" * 5_600, "<a " * 1_800, "![a](" * 900, "\n" * 5_600, " #" * 2_800):
        plain(text)
