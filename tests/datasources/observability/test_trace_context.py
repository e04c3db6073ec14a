"""Which trace a request belongs to: what the headers may hold, and what is no trace."""

import pytest

from datasources.observability.trace_context import TraceContext, parse_trace_context

ID, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
AMAZON = f"Self=1-67891234-12456789abcdef012345678a;Root=1-67891233-abcdef012345678912345678;Parent={PARENT};Sampled=1"


@pytest.mark.parametrize(
    ("traceparent", "amazon", "told"),
    [
        (f"00-{ID}-{PARENT}-01", "", ID),
        (f"00-{ID}-{PARENT}-01", AMAZON, ID),
        (f"01-{ID}-{PARENT}-01-more", "", ID),
        ("", AMAZON, "67891233abcdef012345678912345678"),
        ("nonsense", "Root=1-67891233-abcdef012345678912345678", "67891233abcdef012345678912345678"),
        ("", "", ""),
        (f"00-{ID}-{PARENT}-01-more", "", ""),
        (f"ff-{ID}-{PARENT}-01", "", ""),
        (f"00-{'0' * 32}-{PARENT}-01", "", ""),
        (f"00-{ID}-{'0' * 16}-01", "", ""),
        (f"00-{ID.upper()}-{PARENT}-01", "", ""),
        (f"00-{ID}-{PARENT}-01\n", "", ""),
        ("", "Root=2-67891233-abcdef012345678912345678", ""),
        ("", "Root=1-67891233-abcdef01234567891234567z", ""),
    ],
)
def test_a_trace_is_known_by_either_header(traceparent: str, amazon: str, told: str) -> None:
    assert parse_trace_context(traceparent, amazon).trace == told


AMAZON_ID = "67891233abcdef012345678912345678"


@pytest.mark.parametrize(
    ("traceparent", "amazon", "told"),
    [
        (f"00-{ID}-{PARENT}-01", AMAZON, TraceContext(ID, PARENT, True)),
        (f"00-{ID}-{PARENT}-00", AMAZON, TraceContext(ID, PARENT, False)),
        (f"00-{ID}-{PARENT}-02", "", TraceContext(ID, PARENT, False)),
        (f"00-{ID}-{PARENT}-03", "", TraceContext(ID, PARENT, True)),
        ("", AMAZON, TraceContext(AMAZON_ID, PARENT, True)),
        ("", AMAZON.replace("Sampled=1", "Sampled=0"), TraceContext(AMAZON_ID, PARENT, False)),
        ("", AMAZON.replace("Sampled=1", "Sampled=?"), TraceContext(AMAZON_ID, PARENT)),
        ("", "Root=1-67891233-abcdef012345678912345678", TraceContext(AMAZON_ID)),
        ("", f"Parent={PARENT};Sampled=1", TraceContext()),
        ("", AMAZON.replace(PARENT, PARENT[1:]), TraceContext(AMAZON_ID, "", True)),
    ],
)
def test_the_span_of_the_caller_and_whether_he_keeps_it_are_known(
    traceparent: str, amazon: str, told: TraceContext
) -> None:
    assert parse_trace_context(traceparent, amazon) == told
