"""Which answers those in between may keep, for how long, and by which tag they are known again."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_operation_ast,
)
from graphql.language import DocumentNode

from resolvers.context import Context
from schema.declarations.fields import AttributeDeclaration, DeclaredField
from schema.execution.document_cache import GRAPHQL_SCHEMA
from schema.execution.execution import Request, Response
from schema.execution.executor import DEFINITION

# Seconds that anything is kept at most; CloudFront is told the same (cdk/edge/behaviours.py). What the schema says of
# itself changes by a release alone.
MOST_SECONDS = 60
NO_STORE = "no-store"
_TAG = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that may be kept for `seconds`: its bytes, without what was true of one call alone."""

    content: bytes
    tag: str
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """What tells others how to keep it.

        `public` is what lets a shared cache keep the answer to a request that has an Authorization header (RFC 9111,
        section 3.5); Vary holds it to answer with it those alone who send the same one (section 4.1).
        """
        return {
            "cache-control": f"public, max-age={self.seconds}",
            "vary": "Authorization, Accept",
            "etag": self.tag,
        }

    def is_known(self, if_none_match: str) -> bool:
        """Whether the caller has it by this header, compared weakly: RFC 9110, section 13.1.2."""
        return if_none_match.strip() == "*" or self.tag in _TAG.findall(if_none_match)


def kept(
    request: Request, document: DocumentNode | None, response: Response, context: Context, media: str
) -> Kept | None:
    """The answer to a GET as it may be kept, or None. It holds all that was asked, and asked by an id alone: a text in
    an address would be in the logs of everybody on the way, so nothing should make that worth while."""
    if document is None or not request.by_id or context.call.sees is not None:
        return None
    # What was refused and never ran has errors too.
    if "errors" in response.body or context.call.degraded:
        return None
    seconds = seconds_kept(document, request.operation_name)
    if seconds == 0:
        return None
    # The extensions tell what one call cost and which one it was.
    content = orjson.dumps({"data": response.body["data"]})
    # The same data in another type is another representation: RFC 9110, section 8.8.3.
    digest = hashlib.sha256(media.encode() + b"\0" + content).hexdigest()
    return Kept(content, f'"{digest[:32]}"', seconds)


def seconds_kept(document: DocumentNode, operation_name: str | None, schema: GraphQLSchema = GRAPHQL_SCHEMA) -> int:
    """Seconds that answers to a valid document's operation may be kept, 0 for not at all.

    All fields must be declared so or belong to introspection, and have nothing below but attributes of what they
    answered. A field counts though `@skip` or `@include` leaves it out.
    """
    operation = get_operation_ast(document, operation_name)
    if operation is None or operation.operation is not OperationType.QUERY or schema.query_type is None:
        return 0
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    seconds = MOST_SECONDS
    for declared, is_root in _Selected(schema, fragments).fields(operation.selection_set, schema.query_type):
        seconds = min(seconds, _seconds(declared, is_root))
        if seconds == 0:
            break
    return seconds


@dataclass(slots=True)
class _Selected:
    """The fields that an operation names, each fragment of it looked into once."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    spread: set[str] = field(default_factory=set)

    def fields(self, selections: SelectionSetNode, parent: Any) -> Iterator[tuple[Any, bool]]:
        """What was declared of each, and whether it is a root field; without introspection and what stands below it."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    definition = parent.fields[node.name.value]
                    yield definition.extensions.get(DEFINITION), parent is self.schema.query_type
                    if node.selection_set:
                        yield from self.fields(node.selection_set, get_named_type(definition.type))
            elif isinstance(node, InlineFragmentNode):
                yield from self._within(node, parent)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in self.spread:
                self.spread.add(node.name.value)
                yield from self._within(self.fragments[node.name.value], parent)

    def _within(self, fragment: InlineFragmentNode | FragmentDefinitionNode, parent: Any) -> Iterator[tuple[Any, bool]]:
        condition = fragment.type_condition
        named = parent if condition is None else self.schema.type_map[condition.name.value]
        return self.fields(fragment.selection_set, named)


def _seconds(declared: object, is_root: bool) -> int:
    if not isinstance(declared, DeclaredField):
        return 0
    if not is_root and isinstance(declared.declaration, AttributeDeclaration):
        return MOST_SECONDS
    return declared.kept_seconds
