"""The index of documents: makes chunks of documents that are new or have changed, embeds them, and suggests links."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial

from uuid_utils import uuid7

from datasources.aurora.documents.chunks import (
    count_stale_documents,
    fetch_stale_documents,
    lock_stale_document,
    replace_chunks,
)
from datasources.aurora.documents.suggestions import replace_suggestions
from datasources.aurora.documents.vectors import Embedding, insert_vectors
from datasources.documents.chunks import CHUNKING, split_document
from datasources.documents.names import NAMING, NameOccurrence, find_names
from datasources.language.embeddings import installed_model, open_embedder
from datasources.observability.exceptions import report as report_error
from datasources.observability.spans import INTERNAL, record_call, record_work
from datasources.records.document_chunks import DocumentChunkRecord, IndexRules, StaleDocument
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from datasources.supervisor import CaughtError, attempt
from resolvers.imports.progress import Progress, ProgressStep, ignore_progress

log = logging.getLogger("stackflow.documents")

WORKER = "documents"
# Documents that are read at once.
BATCH_SIZE = 20


async def index_documents(sources: Sources, report: Progress = ignore_progress) -> int:
    """Make the chunks of all documents that wait for them. Return the number of documents.

    Each document is one transaction, so an interrupted call is continued by the next one, and several can run at the
    same time. Raises SourceUnavailable if the database is lost.
    """
    total = await count_stale_documents(sources.main, _rules())
    done = 0
    while batch := await index_batch(sources):
        done += batch
        # Other documents may have been written meanwhile.
        total = max(total, done)
        report(ProgressStep("indexing", "documents", done=done, total=total))
    return done


async def index_batch(sources: Sources) -> int:
    """Make the chunks of at most BATCH_SIZE documents. Return the number of documents, 0 if none waits."""
    call = RequestContext()
    with use_request(call), record_call(WORKER, INTERNAL, call, keep_idle=False) as recording:
        documents = await fetch_stale_documents(sources.main, _rules(), BATCH_SIZE)
        for document in documents:
            outcome = await attempt(partial(_index, sources, document))
            if isinstance(outcome, CaughtError):
                report_error(log, "a document has no chunks", outcome.error, WORKER, document=document.id)
                # It waits no longer, so that it does not stop the others; its next version is tried again.
                await _replace(sources, document, [], {}, [])
        record_work(recording, "stackflow.documents", len(documents))
    return len(documents)


async def _index(sources: Sources, document: StaleDocument) -> None:
    # In a thread, since a long document takes seconds and the server has other requests.
    chunks, embeddings = await asyncio.to_thread(_make_chunks, document)
    names = await asyncio.to_thread(find_names, document.body)
    await _replace(sources, document, chunks, embeddings, names)


def _make_chunks(document: StaleDocument) -> tuple[list[DocumentChunkRecord], dict[str, Embedding]]:
    """Return the chunks of a document, and their embeddings by id."""
    chunks = [
        DocumentChunkRecord(
            id=str(uuid7()),
            document_id=document.id,
            position=position,
            heading=chunk.heading,
            body=chunk.body,
            first_line=chunk.first_line,
            last_line=chunk.last_line,
            content_hash=chunk.content_hash,
        )
        for position, chunk in enumerate(split_document(document.title, document.body))
    ]
    embedder = open_embedder()
    if embedder is None:
        return chunks, {}
    embeddings = {chunk.id: embedder.embed(f"{chunk.heading}\n{chunk.body}") for chunk in chunks}
    return chunks, {id: embedding for id, embedding in embeddings.items() if embedding is not None}


async def _replace(
    sources: Sources,
    document: StaleDocument,
    chunks: Sequence[DocumentChunkRecord],
    embeddings: Mapping[str, Embedding],
    names: Sequence[NameOccurrence],
) -> None:
    rules = _rules()
    async with sources.main.transaction() as transaction:
        if await lock_stale_document(transaction, document, rules) and await replace_chunks(
            transaction, document, rules, chunks
        ):
            await replace_suggestions(transaction, document, names)
            if rules.model is not None:
                await insert_vectors(transaction, rules.model, embeddings)


def _rules() -> IndexRules:
    return IndexRules(CHUNKING, installed_model(), NAMING)
