"""The checks of a request before it runs; each rule cites the page that states it."""

from collections.abc import Iterator

from datasources.embedded.neptune_like.bytecode import BYTECODE, Query, type_of, typed
from datasources.embedded.neptune_like.elements import Rule, element_rules
from datasources.embedded.neptune_like.errors import Refusal
from datasources.embedded.neptune_like.frames import Frame

# gremlin-step-support, "Gremlin steps that are not supported in Neptune at all"; `write` is the unsupported half of
# io(). `call` and `tx` are our additions: a cluster has no service to call, and transactions across requests need a
# session.
UNSUPPORTED_STEPS = frozenset(
    {"connectedComponent", "shortestPath", "pageRank", "peerPressure", "program", "write", "call", "tx", "withComputer"}
)
# TinkerPop's own strategies that need no graph computer. Any other is a custom class, which no cluster has.
STRATEGIES = frozenset({
    "ConnectiveStrategy", "ElementIdStrategy", "EventStrategy", "HaltedTraverserStrategy", "OptionsStrategy",
    "PartitionStrategy", "SackStrategy", "SeedStrategy", "SideEffectStrategy", "SubgraphStrategy",
    "ProductiveByStrategy", "AdjacentToIncidentStrategy", "ByModulatorOptimizationStrategy", "CountStrategy",
    "EarlyLimitStrategy", "FilterRankingStrategy", "IdentityRemovalStrategy", "IncidentToAdjacentStrategy",
    "InlineFilterStrategy", "LazyBarrierStrategy", "MatchAlgorithmStrategy", "MatchPredicateStrategy",
    "OrderLimitStrategy", "PathProcessorStrategy", "PathRetractionStrategy", "ReferenceElementStrategy",
    "RepeatUnrollStrategy", "EdgeLabelVerificationStrategy", "LambdaRestrictionStrategy", "ReadOnlyStrategy",
    "ReservedKeysVerificationStrategy", "StandardVerificationStrategy",
})  # fmt: skip
# transactions-neptune: a step "that manipulates data" makes a query a mutation, anywhere; `read` is that of io().
MUTATING_STEPS = frozenset({"addV", "addE", "property", "drop", "mergeV", "mergeE", "read"})


def check_request(frame: Frame, query: Query, *, read_only: bool, max_request: int) -> Refusal | None:
    """Return why Neptune would not run this request, or None."""
    if len(frame.data) > max_request:
        return Refusal("BadRequestException", f"Request size exceeds max allowed value of {max_request} bytes.")
    outer = _outer(frame)
    if outer is not None:
        return outer
    for rule in (_lambdas, *_INSTRUCTION_RULES, *element_rules()):
        refused = next(rule(query), None)
        if refused is not None:
            return refused
    return Refusal("ReadOnlyViolationException") if read_only and mutates(query) else None


def mutates(query: Query) -> bool:
    """Return whether a request writes."""
    return any(one.name in MUTATING_STEPS for one in query.instructions if not one.source)


def _outer(frame: Frame) -> Refusal | None:
    if frame.op == "eval":
        # Neptune parses scripts with a grammar, not with Groovy. The double has no such parser and rejects all scripts.
        return Refusal("MalformedQueryException", "Failed to interpret Gremlin query: Query parsing failed at line 1")
    if frame.processor == "session":
        # Neptune has sessions of up to ten minutes (access-graph-gremlin-sessions); this service must not need them.
        return Refusal("UnsupportedOperationException", "Sessions are not supported here")
    if frame.op != "bytecode" or frame.processor != "traversal" or type_of(frame.gremlin) != BYTECODE:
        return Refusal("BadRequestException", f"op {frame.op!r} of processor {frame.processor!r} is not supported")
    return None


def _lambdas(query: Query) -> Iterator[Refusal]:
    """access-graph-gremlin-differences: "Neptune does not support Lambda Steps"."""
    for kind, _ in typed(query.gremlin):
        if kind == "g:Lambda":
            yield Refusal("UnsupportedOperationException", "Lambda steps are not supported")


def _steps(query: Query) -> Iterator[Refusal]:
    for one in query.instructions:
        if one.name in UNSUPPORTED_STEPS:
            yield Refusal("UnsupportedOperationException", f"{one.name}() is not supported")


def _strategies(query: Query) -> Iterator[Refusal]:
    """gremlin-api-graph-features: Computer is false, so no VertexProgramStrategy."""
    for one in query.instructions:
        for argument in one.arguments if one.name == "withStrategies" else ():
            name = (type_of(argument) or "").removeprefix("g:")
            if name not in STRATEGIES:
                yield Refusal("UnsupportedOperationException", f"{name or 'this strategy'} is not supported")


_INSTRUCTION_RULES: tuple[Rule, ...] = (_steps, _strategies)
