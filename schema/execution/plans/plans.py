"""Runs operations by compiled plans, and says why graphql-core has to execute others."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from weakref import ref

from graphql import DocumentNode, VariableNode, Visitor, visit
from graphql.language import DirectiveNode

from resolvers.context import Context
from schema.execution.budget import DeadlineExceeded, ExecutionStopped
from schema.execution.executor import DeclaredExecutor
from schema.execution.plans.compiler import Compiler
from schema.execution.plans.execution import PlanExecution
from schema.execution.plans.explanation import describe_plan
from schema.execution.plans.irregular import Irregular
from schema.execution.plans.plan import OperationPlan

# Fields of all plans together; one takes about 1 kB.
MAX_FIELDS = 50_000


@dataclass(frozen=True, slots=True)
class _CachedPlan:
    """A plan, or None and the reason. It is removed with its document, whose identity may be used again then."""

    document: ref[DocumentNode]
    plan: OperationPlan | None
    reason: str
    fields: int


class Plans:
    """Plans by operation and by the values of the variables in `@skip` and `@include`, or why there is none.

    The least recently used ones are evicted above `max_fields` of all plans together, and all plans of a document when
    the cache of documents evicts it, since that bounds the memory of documents.
    """

    def __init__(self, max_fields: int = MAX_FIELDS) -> None:
        self._max_fields = max_fields
        self._fields = 0
        self._plans: OrderedDict[tuple[Any, ...], _CachedPlan] = OrderedDict()
        self._variables: dict[int, tuple[ref[DocumentNode], tuple[str, ...]]] = {}

    def __len__(self) -> int:
        return len(self._plans)

    async def execute(self, document: DocumentNode, executor: DeclaredExecutor) -> dict[str, Any] | None:
        """Return the data of an operation; None if graphql-core must execute it. Never partial data or errors.

        Raises ExecutionStopped after the deadline.
        """
        context: Context = executor.context_value
        try:
            plan = self._get(document, executor)
            # graphql-core reads them too, if it must execute the operation, so that it uses the same rows.
            context.omitted = plan.omitted(context)
            if context.request.explanation is not None:
                context.levels = describe_plan(plan.root, context.omitted)
            data = await PlanExecution(executor).execute(plan.root)
        except Irregular as irregular:
            context.fallback = irregular.reason
        except ExecutionStopped as stopped:
            if isinstance(stopped.reason, DeadlineExceeded):
                raise
            context.fallback = "limit"
        except Exception as error:  # noqa: BLE001
            # The boundary of a plan: graphql-core executes the operation again and reports the error with its path.
            context.fallback = type(error).__name__
        else:
            context.results.clear()
            return data
        return None

    def _get(self, document: DocumentNode, executor: DeclaredExecutor) -> OperationPlan:
        name, values = executor.operation.name, executor.variable_values.coerced
        key = (
            id(document),
            "" if name is None else name.value,
            *(values.get(each) for each in self._directive_variables(document)),
        )
        cached = self._plans.get(key)
        if cached is None:
            cached = self._plans[key] = _compile(ref(document, lambda _: self._remove(key)), executor)
            self._fields += cached.fields
            while self._fields > self._max_fields and len(self._plans) > 1:
                self._remove(next(iter(self._plans)))
        self._plans.move_to_end(key)
        if cached.plan is None:
            raise Irregular(cached.reason)
        return cached.plan

    def _directive_variables(self, document: DocumentNode) -> tuple[str, ...]:
        known = self._variables.get(id(document))
        if known is None:
            visitor = _DirectiveVariables()
            visit(document, visitor)
            identity = id(document)
            reference = ref(document, lambda _: self._variables.pop(identity, None))
            known = self._variables[identity] = reference, tuple(sorted(visitor.names))
        return known[1]

    def _remove(self, key: tuple[Any, ...]) -> None:
        removed = self._plans.pop(key, None)
        if removed is not None:
            self._fields -= removed.fields


def _compile(document: ref[DocumentNode], executor: DeclaredExecutor) -> _CachedPlan:
    compiler = Compiler(executor)
    try:
        plan = compiler.compile()
    except Irregular as irregular:
        # Only the reason: an exception that is raised again would hold the frames of every request.
        return _CachedPlan(document, None, irregular.reason, max(1, compiler.fields))
    return _CachedPlan(document, plan, "", compiler.fields)


class _DirectiveVariables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.names |= {each.value.name.value for each in node.arguments or () if isinstance(each.value, VariableNode)}
