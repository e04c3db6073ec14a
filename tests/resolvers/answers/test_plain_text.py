"""Plain text of a model's sentences: marks, links, images and tags go; code, names in brackets and signs stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.answers.faithfulness import Rejection, Rule, check_sentence
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
        ("cp <output> .",) * 2,
        ("It is <output>up</output>.", "It is up."),
        ("If a <b and c> d, stop.",) * 2,
        ("&#xE000; up \ue001", "up"),
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


COMMANDS = r"""
Log in to the host of the team:

- Run `sed 's/\*/x/' file`, `a\.b\[0\]`, `\d+\.\d*`, `C:\_data\*.log`, `\\server\share`, `arr[0](x)`.
- Run `cat <input >output`.
- Run kubectl get <object>.
"""


@pytest.mark.parametrize(
    "text",
    [
        r"Run sed 's/\*/x/' file.",
        r"Run a\.b\[0\], or \d+\.\d*.",
        r"Run C:\_data\*.log, \\server\share.",
        "Run arr[0](x).",
        "Run cat <input >output.",
        "Run kubectl get <object>.",
    ],
)
def test_a_command_without_backticks_stays_as_its_source_has_it(text: str) -> None:
    found = to_plain_text(text, [COMMANDS])
    assert found == PlainSentence(text, text)
    assert check_sentence(found.checked, COMMANDS) is None


@pytest.mark.parametrize(
    "text",
    [
        "<scr<b></b>ipt>log in</script>",
        "&lt;script&gt;log in&lt;/script&gt;",
        "Log in <svg/onload=alert()>",
        "<a/href=script>Log in</a>",
        "Log in <x onclick=run()",
        "Log in <img src=x",
        "&#91;Log in&#93;(//evil)",
        r"\[Log in\](mailto:team@host)",
        r"\[Log in\]: //evil",
        r"\*\*Log in\*\*",
        "<scr``ipt``>Log in",
        "Log in to arr[1](x).",
        "Log in to <output>.",
    ],
)
def test_what_is_a_tag_or_a_link_all_the_same_is_rejected(text: str) -> None:
    assert check_sentence(to_plain_text(text, [COMMANDS]).checked, COMMANDS) == Rejection(Rule.MARKUP)


def test_a_tag_of_the_source_is_none_of_the_model() -> None:
    source = "Set `<table id=x>` in the **page**. Then [log](//team) in."
    assert check_sentence("Set <table id=y> in the page.", source) == Rejection(Rule.MARKUP)
    for text in ("Set `<table id=x>` in the page.", "Then [log](//team) in.", "Set <id> in the page if 1 < 2."):
        assert check_sentence(text, source) != Rejection(Rule.MARKUP)


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
