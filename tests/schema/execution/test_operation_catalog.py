"""The catalog of operations: what questions can choose is a query whose variables words can fill."""

from types import MappingProxyType

import pytest

from schema.operations import StoreBudget, TrustedDocument, catalog

ENTRY = MappingProxyType({"title": "Title", "reads_back": "All", "examples": ["All"]})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mutation { closeIncident { id } }", "questions.yaml: probe is no query, and words choose nothing else"),
        ("subscription { changes { id } }", "questions.yaml: probe is no query, and words choose nothing else"),
        ("query ($key: String!) { team(key: $key) { id } }", "questions.yaml: no question can fill key of probe"),
    ],
)
def test_what_words_must_not_choose_is_refused(monkeypatch: pytest.MonkeyPatch, text: str, problem: str) -> None:
    document = TrustedDocument("probe", text, "sha256:probe", StoreBudget(1, 0))
    monkeypatch.setattr(catalog, "trusted_documents", lambda: {document.id: document})
    with pytest.raises(ValueError, match=problem):
        catalog._read_operation("probe", ENTRY)
    with pytest.raises(ValueError, match="there is no trusted document other"):
        catalog._read_operation("other", ENTRY)


def test_every_operation_has_examples_and_reads_back() -> None:
    for operation in catalog.operation_catalog():
        assert 3 <= len(operation.examples) <= 8, operation.name
        assert all(f"{{{name}}}" in operation.reads_back for name in operation.required)
