"""Retrieval by a knowledge base of Bedrock, filtered by permissions, and the metadata of the objects in it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from datasources.language.bedrock.client import AGENT_RUNTIME, BedrockClients
from datasources.language.port import LanguageError, RetrievedPassage
from datasources.observability import generative_ai
from datasources.observability.spans import CLIENT, record_span
from datasources.records.queries import Scope

# The bounds of Retrieve.
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Retrieve.html
MAX_RESULTS = 100
MAX_QUESTION_LENGTH = 20_000

# The code of a search that the store of the knowledge base cannot do.
REFUSED_SEARCH = "ValidationException"

METADATA_SUFFIX = ".metadata.json"

Filter = Mapping[str, Any]


class BedrockKnowledgeBase:
    """A knowledge base, each of whose objects is a chunk of a document."""

    def __init__(self, clients: BedrockClients, knowledge_base: str) -> None:
        self._clients = clients
        self._id = knowledge_base
        # S3 Vectors searches by meaning alone, and refuses a search by words too: the first search finds out.
        self._by_words = True

    async def retrieve(
        self, question: str, number: int, scope: Scope, timeout_seconds: float, condition: Filter | None = None
    ) -> list[RetrievedPassage]:
        """Return at most `number` passages that the scope sees, best first, by meaning and, if the store can, by words.

        Raises LanguageError.

        The knowledge base may be older than the tables: read each chunk by its id before it is shown. `condition` is
        a further filter of Bedrock, such as `{"in": {"key": "document_id", "value": [...]}}`.
        """
        attributes = {
            generative_ai.OPERATION: generative_ai.RETRIEVAL, generative_ai.PROVIDER: generative_ai.BEDROCK,
            generative_ai.DATA_SOURCE: self._id, generative_ai.KNOWLEDGE_BASE: self._id,
        }  # fmt: skip
        with record_span(f"{generative_ai.RETRIEVAL} {self._id}", CLIENT, attributes):
            visible = _both(permission_filter(scope), condition)
            try:
                return await self._search(question, vector_search(number, visible, self._by_words), timeout_seconds)
            except LanguageError as error:
                if error.code != REFUSED_SEARCH or not self._by_words:
                    raise
            passages = await self._search(question, vector_search(number, visible, by_words=False), timeout_seconds)
            self._by_words = False
            return passages

    async def _search(self, question: str, search: Mapping[str, Any], timeout_seconds: float) -> list[RetrievedPassage]:
        reply = await self._clients.call(
            AGENT_RUNTIME,
            timeout_seconds,
            lambda client: client.retrieve(
                knowledgeBaseId=self._id,
                retrievalQuery={"text": question[:MAX_QUESTION_LENGTH]},
                retrievalConfiguration=search,
            ),
        )
        return [_read_passage(result) for result in reply["retrievalResults"]]

    async def close(self) -> None:
        """Close all connections."""
        await self._clients.close()


def vector_search(number: int, condition: Filter | None, by_words: bool = True) -> Mapping[str, Any]:
    """Return the retrievalConfiguration of a search by meaning, and with `by_words` by words too."""
    search: dict[str, Any] = {"numberOfResults": max(1, min(number, MAX_RESULTS))}
    if by_words:
        search["overrideSearchType"] = "HYBRID"
    return {"vectorSearchConfiguration": search if condition is None else search | {"filter": condition}}


def permission_filter(scope: Scope) -> Filter | None:
    """Return the filter of what a scope sees: unrestricted documents, and those of its teams; None if it sees all."""
    if scope.sees_restricted:
        return None
    unrestricted = {"equals": {"key": "restricted", "value": False}}
    if not scope.team_keys:
        return unrestricted
    return {"orAll": [unrestricted, {"in": {"key": "restricted_team", "value": list(scope.team_keys)}}]}


def _both(first: Filter | None, second: Filter | None) -> Filter | None:
    # andAll needs two members.
    return {"andAll": [first, second]} if first is not None and second is not None else first or second


def _read_passage(result: Mapping[str, Any]) -> RetrievedPassage:
    location = result.get("location", {}).get("s3Location", {})
    return RetrievedPassage(
        location.get("uri", ""), result["content"].get("text", ""), result.get("score", 0.0), result.get("metadata", {})
    )


def encode_metadata(
    *, document_id: str, chunk_id: str, content_hash: str, restricted_team: str | None, item_ids: Sequence[str]
) -> bytes:
    """Return the content of the object `<name>.metadata.json` next to the object of a chunk.

    A document without restriction has no `restricted_team`, and `restricted` is always there: a filter by an attribute
    that an object lacks never finds it.
    https://docs.aws.amazon.com/bedrock/latest/userguide/kb-metadata.html
    """
    attributes: dict[str, Any] = {
        "document_id": document_id, "chunk_id": chunk_id, "content_hash": content_hash,
        "restricted": restricted_team is not None,
    }  # fmt: skip
    if restricted_team is not None:
        attributes["restricted_team"] = restricted_team
    if item_ids:
        attributes["item_ids"] = list(item_ids)
    return orjson.dumps({"metadataAttributes": attributes}, option=orjson.OPT_SORT_KEYS)
