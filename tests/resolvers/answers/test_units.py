"""Numbers with units: aliases, conversions, ranges, and sentences that change or add a unit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.answers.faithfulness import Rejection, Rule, check_sentence
from resolvers.answers.forms.units import SHARE, SIZE, TIME, Amount, keeps_amounts, list_amounts

SOURCE = (
    "The timeout of the proxy is 30 seconds. The heap has 2 GB. Alert if the disk is 80% full or the lag is above 300"
    " MB. The retry limit of the queue is 30. Wait 5 to 10 minutes."
)


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("30 seconds, 30s or thirty sec", [(TIME, 30)] * 3),
        ("a 10-minute window and an hour", [(TIME, 600), (TIME, 3600)]),
        ("5 to 10 minutes, 1-2 d", [(TIME, 300), (TIME, 600), (TIME, 86400), (TIME, 172800)]),
        ("2GB, **2** GB and\n1,500 KiB", [(SIZE, 2 * 10**9), (SIZE, 2 * 10**9), (SIZE, 1500 * 1024)]),
        ("512M, 512m and `-Xmx2G`", [(SIZE, 512 * 10**6), (TIME, 512 * 60)]),
        ("80% or 80.5 percent", [(SHARE, 80), (SHARE, Fraction(161, 2))]),
        ("start a second replica as a last resort and 2 d-tags", [(TIME, 2 * 86400)]),
        ("3 nodes, port 6379, 5xx, v2.m", []),
    ],
)
def test_amounts_have_a_kind_and_a_size(text: str, amounts: list[tuple[str, int]]) -> None:
    assert list(list_amounts(text)) == [Amount(kind, Fraction(size)) for kind, size in amounts]


@pytest.mark.parametrize(
    "sentence",
    [
        "The timeout of the proxy is 30 s.",
        "The timeout of the proxy is thirty seconds.",
        "The heap has 2 gigabytes.",
        "Alert if the disk is 80 percent full or the lag is above 300 MB.",
        "The retry limit of the queue is 30.",
        "Wait 5 to 10 min.",
    ],
)
def test_the_same_amount_is_accepted(sentence: str) -> None:
    assert check_sentence(sentence, SOURCE) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "The timeout of the proxy is 30 milliseconds.",
        "The heap has 2 TB.",
        "Alert if the disk is 80 GB full or the lag is above 300 MB.",
        "Alert if the disk is 80% full or the lag is above 300 GB.",
        "The retry limit of the queue is 30 minutes.",
        "Wait 5 to 10 hours.",
    ],
)
def test_another_unit_is_rejected(sentence: str) -> None:
    assert check_sentence(sentence, SOURCE) == Rejection(Rule.ATOM)


@given(st.text(alphabet="0123456789.,-% smhdkMGBa", max_size=40))
def test_a_text_has_its_own_amounts(text: str) -> None:
    assert keeps_amounts(text, text)
