"""Identities: one person is one in whatever spelling, and two persons stay two."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.principals.principal import identity


@pytest.mark.parametrize(
    "subject",
    [
        "Ada", "ada ", " ada", "\tada\n", "\u3000ada\u00a0", "ada\u200b", "a\u00adda", "\ufeffada", "ada\u2060",
        "ada\x7f", "\x01ada", "\uff41\uff44\uff41", "\U0001d41aDA", "\u24d0da", "ada\ufe0f", "ada\u034f", "\u3164ada",
        "ada\U000e0001", "ad\u200da", " \u200b ada",
    ],
)  # fmt: skip
def test_spellings_of_a_subject_are_one_person(subject: str) -> None:
    assert identity(f"USER:{subject}") == identity("USER:ada") == "USER:ada"
    assert identity(f"SERVICE:{subject}") == "USER:ada"


def test_other_subjects_are_other_persons() -> None:
    # The last has a Cyrillic letter: it only looks alike.
    names = ["ada", "adam", "a da", "\u00e4da", "ada.", "ad\u0430"]
    assert len({identity(f"USER:{name}") for name in names}) == len(names)


def test_a_letter_and_its_parts_are_one() -> None:
    assert identity("USER:Zo\u00eb") == identity("USER:zoe\u0308") == identity("USER:zoe\u200b\u0308")
    assert identity("USER:STRASSE") == identity("USER:stra\u00dfe")


@given(st.text(max_size=12), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_an_identity_is_its_own_and_that_of_each_form(subject: str, form: str) -> None:
    one = identity(f"USER:{subject}")
    assert identity(one) == one
    assert identity(f"USER:{unicodedata.normalize(form, subject)}") == one  # type: ignore[arg-type]
    assert identity(f"USER: \u200b{subject}\u00ad ") == one
