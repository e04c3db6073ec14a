"""The choice between near operations by a language model: routed, paid for and recorded as any call."""

from collections.abc import Sequence

from datasources.language.port import Language, TaskKind, Tool, ToolChoice
from resolvers.context import Context
from resolvers.models.calls import call_model, create_task, max_tokens
from resolvers.operations.tools import Choose

# A name and a few variables.
MAX_OUTPUT_TOKENS = 200
# An upper bound of the instructions and the frame of the request, and of each tool besides its texts.
INSTRUCTION_TOKENS, TOOL_TOKENS = 1_000, 300


def model_choice(context: Context) -> Choose | None:
    """Return how a language model chooses a tool; None if none is configured."""
    language = context.sources.language
    return None if language is None else _choose_by(context, language)


def _choose_by(context: Context, language: Language) -> Choose:
    async def choose(question: str, tools: Sequence[Tool]) -> ToolChoice | None:
        texts = sum(max_tokens(f"{tool.name} {tool.description} {tool.input_schema}") + TOOL_TOKENS for tool in tools)
        tokens = INSTRUCTION_TOKENS + max_tokens(question) + texts
        task = create_task(context, TaskKind.OPERATION, question, tokens, MAX_OUTPUT_TOKENS)
        result = await call_model(context, task, lambda call: language.choose(question, tools, call))
        return result.value

    return choose
