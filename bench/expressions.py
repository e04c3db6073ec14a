"""CPU time, memory and work of the most expensive legal expressions: python -m bench.expressions."""

import sys
import time
import tracemalloc
from contextlib import suppress
from typing import Any

from resolvers.workflows.expressions.expression import MAX_WORK, InvalidExpression, SharedBudget, compile_expression

# The maximum CPU time of an expression on an idle machine, in seconds.
MOST = 0.3

MANY = list(range(9_000))
ITEMS = [
    {"id": str(n), "name": f"n{n}", "class": "service", "status": "ACTIVE", "labels": {"tier": "1"}} for n in range(500)
]
INPUTS: dict[str, Any] = {
    "l": MANY,
    "s": "ab" * 2_048,
    "x": "a" * 4_096,
    "long": "a" * 60_000,
    "wide": "\U0001f600" * 15_000,
    "t": [{"a": 1}] * 6_000,
    "w": ["w" * 20] * 3_000,
}

EXPRESSIONS = {
    "five comparisons over 500 items": "items.exists(i, i.name == 'x' || i.id == 'y' || i['class'] == 'z' || "
    "i.labels.tier == '3' || i.status == 'GONE')",
    "patterns whose states fit": "inputs.l.all(n, !inputs.x.matches('(a|aa|aaa){1,200}b.{100}c'))",
    "patterns whose states do not fit": "inputs.l.all(n, !inputs.s.matches('(a|b)*a(a|b){300}c'))",
    "a small such pattern": "inputs.l.all(n, !inputs.s.matches('(a|b)*a(a|b){30}c'))",
    "a pattern for each": "inputs.l.exists(n, 'a'.matches(string(n) + '.{100}'))",
    "patterns that are none": "inputs.l.exists(n, 'a'.matches('.{999}{999}' + string(n)))",
    "large classes of characters": r"inputs.l.exists(n, 'a'.matches('\\pL{1000}'))",
    "texts in texts": "inputs.l.exists(n, inputs.long.contains('" + "a" * 400 + "b'))",
    "arithmetic": "inputs.l.map(n, n + n * 2 - 1)",
    "many literals": "inputs.l.map(n, " + " + ".join(["1"] * 40) + ")",
    "conversions": "inputs.l.map(n, double(int(string(n))))",
    "joined texts": "inputs.l.map(n, inputs.long + 'a')",
    "joined texts of wide characters": "inputs.l.map(n, inputs.wide + 'a')",
    "joined lists": "inputs.l.map(n, inputs.l + inputs.l)",
    "compared lists": "inputs.l.exists(n, inputs.t == inputs.t + [n])",
    "lists within lists": "inputs.l.map(n, inputs.w)",
    "members of lists": "inputs.l.exists(n, 'x' in inputs.w)",
    "maps": "inputs.t.map(m, {'a': m.a, 'b': [m, m, m]})",
    "errors": "inputs.l.all(n, n / 0 == 1 || nowhere == 2)",
    "all inputs": "inputs == null",
}


def main() -> int:
    """Print the cost of each expression; return 1 if one takes too long."""
    print(f"{'expression':34} {'CPU ms':>7} {'MB':>6} {'units':>7}  ended by")
    worst = 0.0
    values = {"inputs": INPUTS, "items": ITEMS}
    for name, text in EXPRESSIONS.items():
        expression = compile_expression(text)
        seconds = min(_seconds(expression, values) for _ in range(3))
        tracemalloc.start()
        allowance = SharedBudget()
        try:
            expression.evaluate(values, allowance)
            end = "its value"
        except InvalidExpression as error:
            end = str(error).partition(";")[0]
        size = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        worst = max(worst, seconds)
        print(f"{name:34} {seconds * 1e3:7.0f} {size:6.1f} {MAX_WORK - allowance.left:7}  {end}")
    print(f"worst: {worst:.2f} s of {MOST} s")
    return int(worst > MOST)


def _seconds(expression: Any, values: dict[str, Any]) -> float:
    start = time.thread_time()
    with suppress(InvalidExpression):
        expression.evaluate(values)
    return time.thread_time() - start


if __name__ == "__main__":
    sys.exit(main())
