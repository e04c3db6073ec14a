"""Times: forms that are read, zones that are never dropped, and forms that a mapping may not have."""

import pytest

from datasources.files.mappings.times import compile_time_parser, format_problem
from datasources.files.rejects import InvalidRow


def utc(form: str, value: object, zone: str = "Europe/Amsterdam") -> str:
    return compile_time_parser(form, zone, "earlier", "t")(value)


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("%Y-%m-%d %H:%M %Z", "2026-07-01 10:00 GMT", "2026-07-01T10:00:00+00:00"),
        ("%Y-%m-%d %H:%M %Z", "2026-07-01 10:00 UTC", "2026-07-01T10:00:00+00:00"),
        ("%Y-%m-%dT%H:%M%Z", "2026-07-01T10:00Z", "2026-07-01T10:00:00+00:00"),
        ("%a, %d %b %Y %H:%M:%S %Z", "Wed, 01 Jul 2026 10:00:00 GMT", "2026-07-01T10:00:00+00:00"),
        ("%Y-%m-%d %H:%M %z", "2026-07-01 10:00 -0500", "2026-07-01T15:00:00+00:00"),
        ("%b %d %Y %H:%M GMT%z", "Jul 01 2026 10:00 GMT+0200", "2026-07-01T08:00:00+00:00"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-07-01 10:00:00.123456789", "2026-07-01T08:00:00.123456+00:00"),
        ("%Y-%m-%d %H:%M:%S", "2016-12-31 23:59:60", "2016-12-31T23:00:00+00:00"),
        ("%G-W%V-%u", "2026-W27-3", "2026-06-30T22:00:00+00:00"),
        ("iso", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("iso", "2026-07-01T10:00:00.1234567Z", "2026-07-01T10:00:00.123456+00:00"),
        ("rfc2822", "Wed, 01 Jul 2026 10:00:00 +0200", "2026-07-01T08:00:00+00:00"),
        ("rfc2822", "1 Jul 2026 10:00 GMT (a comment)", "2026-07-01T10:00:00+00:00"),
        ("unix", "1372672800.25", "2013-07-01T10:00:00.250000+00:00"),
        ("unix", "-1", "1969-12-31T23:59:59+00:00"),
        ("unix", "1.3726728e9", "2013-07-01T10:00:00+00:00"),
        ("unix_ms", "1372672800001", "2013-07-01T10:00:00.001000+00:00"),
        ("excel", "46204.4166666667", "2026-07-01T08:00:00+00:00"),
        ("excel", "1", "1899-12-31T23:40:28+00:00"),
    ],
)
def test_times_that_are_read(form: str, value: str, expected: str) -> None:
    assert format_problem(form) is None
    assert utc(form, value) == expected


@pytest.mark.parametrize(
    ("form", "value", "reason"),
    [
        ("%Y-%m-%d %H:%M %Z", "2026-07-01 10:00 CEST", "zone CEST is not read, only UTC, GMT and Z; write the offset"),
        ("%a %d %b %Y %H:%M %Z", "Wed 01 Jul 2026 10:00 EST", "zone EST is not read"),
        ("%Y-%m-%d %H:%M %Z", "2026-07-01 10:00", "is not a time of the form %Y-%m-%d %H:%M %Z"),
        ("rfc2822", "Wed, 01 Jul 2026 10:00:00 PDT", "zone PDT is not read"),
        ("rfc2822", "Wed, 01 Jul 2026 10:00:00", "is not a time of the form rfc2822"),
        ("%Y-%m-%d %H:%M:%S", "2016-12-31 23:58:60", "is not a time of the form"),
        ("unix", "1e40", "is outside the years 1 to 9999 in UTC"),
        ("unix", "253402300800", "is outside the years 1 to 9999 in UTC"),
        ("unix", "1_000", "is not a time of the form unix"),
        ("unix", "nan", "is not a time of the form unix"),
        ("excel", "60", "is not a time of the form excel"),
        ("excel", "2958466", "is not a time of the form excel"),
        ("iso", "9999-12-31T23:59:59-05:00", "is outside the years 1 to 9999 in UTC"),
        ("iso", "0001-01-01T00:00:00", "is outside the years 1 to 9999 in UTC"),
        ("iso", "yesterday", "is not a time of the form iso"),
    ],
)
def test_times_that_are_refused(form: str, value: str, reason: str) -> None:
    with pytest.raises(InvalidRow) as error:
        utc(form, value)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("%H:%M", "'%H:%M' has no year; a time needs one (%Y)"),
        ("%Y %H:%M", "'%Y %H:%M' has no day; a time needs one (%m and %d)"),
        ("%d %b %H:%M", "'%d %b %H:%M' has no year; a time needs one (%Y)"),
        ("%Y-%m-%d %Q", "'%Y-%m-%d %Q' has %Q, which is not read"),
        ("%F %T", "'%F %T' has %F, which is not read; write %Y-%m-%d"),
        ("%Y-%m-%d%", "'%Y-%m-%d%' has %, which is not read"),
        ("%Y-%m-%d %Y", "'%Y-%m-%d %Y' has %Y twice"),
        ("%Y-%m-%d %Z%z", "'%Y-%m-%d %Z%z' has %z and %Z; write the name of the zone literally, as in GMT%z"),
        ("isoo", "'isoo' is not a form of times; write excel, iso, rfc2822, unix, unix_ms or one like"),
    ],
)
def test_forms_that_no_mapping_may_have(form: str, problem: str) -> None:
    assert (format_problem(form) or "").startswith(problem)
