"""Fingerprints of labels: those that Prometheus's own library gives."""

import pytest

from resolvers.alerts.fingerprint import fingerprint_of


@pytest.mark.parametrize(
    ("labels", "number"),
    [
        # The offset of FNV-1a, and a vector of the library's own tests.
        ({}, 14_695_981_039_346_656_037),
        ({"name": "garland, briggs", "fear": "love is not enough"}, 5_799_056_148_416_392_346),
    ],
)
def test_it_is_alertmanagers_own(labels: dict[str, str], number: int) -> None:
    assert int(fingerprint_of(labels), 16) == number


def test_the_order_of_labels_does_not_matter_and_each_of_them_does() -> None:
    assert fingerprint_of({"a": "1", "b": "2"}) == fingerprint_of({"b": "2", "a": "1"})
    told = [{}, {"a": ""}, {"a": "1"}, {"a": "1", "b": ""}, {"ab": "1"}, {"a": "b1"}, {"größe": "ü"}]
    assert len({fingerprint_of(each) for each in told}) == len(told)
