"""Any bytes as a file end in rows or in errors of one line, and every staged value is one that can be stored."""

import random
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.files.errors import MappingError
from datasources.files.formats import encodings
from datasources.files.formats.readers import FileReader
from datasources.files.mapping import Mapping
from datasources.files.mappings.lookups import Lookups
from datasources.files.mappings.mapping_files import load_mapping
from datasources.files.records import RecordConverter
from datasources.files.rejects import RejectedRow, RejectFile
from datasources.files.staging import SectionCounts, stage_blocks
from datasources.values import document_violation
from tests.fixtures.profiles import examples
from tests.fixtures.workbooks import number, row, text, workbook

SECTION: dict[str, Any] = {
    "entity": "configuration_items",
    "file": "f",
    "fields": {"key": "key", "name": "name", "class": {"constant": "server"}, "keys": "keys"},
    "attributes": {"n": {"column": "n", "as": "number"}, "x": "x", "at": {"column": "at", "as": "time"}},
}
GOOD = {
    "csv": b'key,name,keys,n,x,at\na,Alpha,"{""s"": ""k""}",1.5,"two\nlines",2026-07-01T10:00:00Z\nb,B\xc3\xa9ta,,,,\n',
    "json": b'[{"key": "a", "name": "Alpha", "keys": {"s": "k"}, "n": 1.5, "x": [1, {"y": null}], "at": "2026-07-01"}]',
    "jsonl": b'{"key": "a", "name": "A", "at": null, "keys": {"s": "k"}, "n": 1e5, "x": [1, {"y": "\\ud83d\\ude00"}]}\n'
    b'{"key": 2, "x": 9}\n',
    "yaml": b"- &r {key: a, name: NO, keys: {s: k}, n: 1.10, x: [1, 0x1F]}\n- {<<: *r, key: 'b', at: 2026-07-01}\n",
    "xlsx": workbook(
        {
            "S": row(1, A=text("key"), B=text("name"), C=text("keys"), D=text("n"), E=text("x"), F=text("at"))
            + row(
                2, A=text("a"), B=number(5), C=text('{"s": "k"}'), D=number(1.5), E=number(46204, 1), F=number(46204, 2)
            )
        }
    ),
}
# What stands in people's files where it should not, in the middle of good ones.
BITS = [
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b'"',
    b"'",
    b",",
    b"\t",
    b"[",
    b"]",
    b"{",
    b"}",
    b": ",
    b"&a ",
    b"*a",
    b"*r",
    b"!!binary ",
    b"!x ",
    b"---\n",
    b"? ",
    b"<<: ",
    b"\\ud83d",
    b"1e400",
    b"NaN",
    b"Infinity",
    b"-",
    b"9" * 400,
    b"9" * 5_000,
    b"[" * 300,
    b"]" * 300,
    b"{" * 40,
    b"\xed\xa0\x80",
    b"\xc3",
    b"\x85",
    b"\x1f\x8b",
    b"%",
    b"@",
    b"`",
    b"<",
    b"null",
    b"0001-01-01T00:00:00+14:00",
    b"PK\x05\x06",
    b"\xe2\x80\xa8",
]


def run(folder: Path, form: str, data: bytes, **options: Any) -> tuple[SectionCounts, list[RejectedRow], list[bytes]]:
    """Read the bytes as a file, or MappingError; everything that was written or refused."""
    document = {"source": "s", "files": {"f": {"path": f"f.{form}", **options}}, "sections": [SECTION]}
    mapping = msgspec.convert(document, Mapping)
    (folder / f"f.{form}").write_bytes(data)
    reader = FileReader(mapping.files["f"], folder, "m.yaml")
    section = mapping.sections[0]
    try:
        reader.check_columns([(column, key) for column, key in section.columns()], None)
    except MappingError as error:
        # A document without a column is read all the same, for what else may be in it.
        if "reads column" not in str(error) or reader.header() is not None:
            raise
    converter = RecordConverter(section, Lookups(mapping, folder, "m.yaml"), reader, "m.yaml: sections[0]")
    tally, refused = SectionCounts(), list[RejectedRow]()
    rejects = RejectFile(folder / "rejects.jsonl")

    def refuse(reject: RejectedRow) -> None:
        refused.append(reject)
        rejects.write(reject)

    blocks = list(stage_blocks(reader, converter, tally, refuse, unreadable=True))
    rejects.close()
    return tally, refused, b"".join(blocks).splitlines()


def judge(form: str, data: bytes, **options: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        problem = ""
        try:
            tally, refused, lines = run(folder, form, data, **options)
        except MappingError as error:
            problem, tally, refused, lines = str(error), SectionCounts(), [], []
        assert len(lines) == tally.staged
        assert len(refused) == tally.refused + tally.unreadable
        for reason in (problem, *(reject.reason for reject in refused)):
            assert "\n" not in reason
            assert len(reason) < 2_000
        assert all(reject.line >= 1 for reject in refused)
        if refused:
            assert len((folder / "rejects.jsonl").read_bytes().splitlines()) == len(refused)
        for line in lines:
            assert b"\x00" not in line
            attributes = line.decode().split("\t")[-2].replace("\\\\", "\\")
            assert document_violation(msgspec.json.decode(attributes)) is None


@pytest.mark.parametrize("form", GOOD)
def test_the_good_files_are_good(form: str, tmp_path: Path) -> None:
    tally, refused, _ = run(tmp_path, form, GOOD[form])
    assert (refused, tally.records) == ([], 1 if form in {"json", "xlsx"} else 2)


@pytest.mark.parametrize("form", GOOD)
@given(data=st.binary(max_size=300), encoding=st.sampled_from([None, "utf-8", "utf-16", "latin-1", "gb18030"]))
@settings(max_examples=examples(60))
def test_any_bytes(form: str, data: bytes, encoding: str | None) -> None:
    judge(form, data, encoding=encoding)


@pytest.mark.parametrize("form", GOOD)
@given(seed=st.integers(0, 2**32), encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
@settings(max_examples=examples(150))
def test_good_files_that_were_changed(form: str, seed: int, encoding: str) -> None:
    chance = random.Random(seed)
    data = GOOD[form] if form == "xlsx" else GOOD[form].decode().encode(encoding)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice([b"", *BITS]) + data[at + chance.choice([0, 0, 1, 5]) :]
    judge(form, data)


@given(
    data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda drawn: drawn.encode("utf-8", "replace")))
)
@settings(max_examples=examples(100))
def test_any_bytes_as_a_mapping(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "m.yaml"
        path.write_bytes(data)
        with pytest.raises(MappingError) as error:
            load_mapping(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_line_without_end_is_refused_at_the_bound(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "MAX_LINE_CHARACTERS", 1_000)
    with pytest.raises(MappingError) as error:
        run(tmp_path, form, GOOD[form] + b"x" * 5_000)
    line = GOOD[form].count(b"\n") + 1
    assert str(error.value) == (
        f"f.{form}: line {line} is longer than 1,000 characters; is it the right file and format?"
    )


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_document_above_the_bound_is_refused(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "MAX_FILE_BYTES", 1_000)
    with pytest.raises(MappingError) as error:
        run(tmp_path, form, GOOD[form] + b" " * 1_000)
    assert str(error.value) == f"f.{form}: above 1,000 bytes; give it as JSON Lines, which is streamed"
