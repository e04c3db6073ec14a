"""Trusted documents: operations that ship with the service, each with its declared store budget.

A file has one operation, after the line `# budget: sql=9 graph=2`. A client sends its text or its id: `sha256:`
and the hash of the text of the file. Callers without `documents:free-form` can run only these documents.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_BUDGET = re.compile(r"^# budget: sql=(\d+) graph=(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StoreBudget:
    """The exact numbers of statements and traversals of the operation on the demo data with an empty cache."""

    sql: int
    graph: int


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """One trusted document."""

    name: str
    text: str
    id: str
    budget: StoreBudget


@cache
def trusted_documents() -> Mapping[str, TrustedDocument]:
    """Return all trusted documents by id. ValueError for a file without a budget."""
    documents = {}
    for file in sorted(resources.files(__package__).iterdir(), key=lambda each: each.name):
        if file.name.endswith(".graphql"):
            text = file.read_text()
            declared = _BUDGET.search(text)
            if declared is None:
                raise ValueError(f"{file.name} declares no budget; head it with `# budget: sql=0 graph=0`")
            id_ = document_id(text)
            budget = StoreBudget(int(declared[1]), int(declared[2]))
            documents[id_] = TrustedDocument(file.name.removesuffix(".graphql"), text, id_, budget)
    return documents


def document_id(text: str) -> str:
    """Return the id of the text of a document."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
