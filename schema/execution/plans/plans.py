"""Runs operations by compiled plans, and says why graphql-core has to execute others."""

from collections import OrderedDict
from typing import Any

from graphql import DocumentNode, VariableNode, Visitor, visit
from graphql.language import DirectiveNode

from resolvers.context import Context
from schema.execution.budget import DeadlineExceeded, ExecutionStopped
from schema.execution.executor import DeclaredExecutor
from schema.execution.plans.compiler import Compiler
from schema.execution.plans.execution import PlanExecution
from schema.execution.plans.irregular import Irregular
from schema.execution.plans.plan import ObjectPlan

# As many as documents are cached at about 200 characters each.
MAX_PLANS = 1_000


class _OperationPlans:
    """The plans of one operation by the values of the variables in `@skip` and `@include`, or why there is none."""

    def __init__(self, document: DocumentNode) -> None:
        # A reference, so that the identity of the document is not used again.
        self.document = document
        self._names = _directive_variables(document)
        self._plans: dict[tuple[Any, ...], ObjectPlan | Irregular] = {}

    def get(self, executor: DeclaredExecutor) -> ObjectPlan:
        """Return the plan, compiled on first use. Irregular if there is none."""
        values = executor.variable_values.coerced
        key = tuple(values.get(name) for name in self._names)
        plan = self._plans.get(key)
        if plan is None:
            try:
                plan = Compiler(executor).compile()
            except Irregular as irregular:
                plan = irregular
            self._plans[key] = plan
        if isinstance(plan, Irregular):
            raise plan
        return plan


class Plans:
    """The plans of documents; those of the least recently used operations are evicted first."""

    def __init__(self, max_operations: int = MAX_PLANS) -> None:
        self._max_operations = max_operations
        self._operations: OrderedDict[tuple[int, str], _OperationPlans] = OrderedDict()

    async def execute(self, document: DocumentNode, executor: DeclaredExecutor) -> dict[str, Any] | None:
        """Return the data of an operation; None if graphql-core must execute it. Never partial data or errors.

        Raises ExecutionStopped after the deadline.
        """
        try:
            plan = self._get(document, executor).get(executor)
            return await PlanExecution(executor).execute(plan)
        except Irregular as irregular:
            reason = irregular.reason
        except ExecutionStopped as stopped:
            if isinstance(stopped.reason, DeadlineExceeded):
                raise
            reason = "limit"
        except Exception as error:  # noqa: BLE001
            # The boundary of a plan: graphql-core executes the operation again and reports the error with its path.
            reason = type(error).__name__
        context: Context = executor.context_value
        context.fallback = reason
        return None

    def _get(self, document: DocumentNode, executor: DeclaredExecutor) -> _OperationPlans:
        name = executor.operation.name
        key = (id(document), "" if name is None else name.value)
        found = self._operations.get(key)
        if found is None:
            found = self._operations[key] = _OperationPlans(document)
            if len(self._operations) > self._max_operations:
                self._operations.popitem(last=False)
        self._operations.move_to_end(key)
        return found


class _DirectiveVariables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.names |= {each.value.name.value for each in node.arguments or () if isinstance(each.value, VariableNode)}


def _directive_variables(document: DocumentNode) -> tuple[str, ...]:
    visitor = _DirectiveVariables()
    visit(document, visitor)
    return tuple(sorted(visitor.names))
