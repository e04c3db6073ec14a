"""`stackflow ask`: answer a question by a trusted query or with cited sentences, from the stores of the settings."""

import asyncio
import pkgutil
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import typer

import settings
from commands.exit_codes import CommandError, Exit
from commands.output.tables import format_response
from commands.stores import use_stores
from datasources.config import DocumentLimits
from datasources.errors import SourceRefused
from datasources.request import RequestContext, use_request
from datasources.sources import open_sources
from resolvers.answers import use_cases
from resolvers.answers.answer import Answer, AnswerStatus, Citation
from resolvers.configuration_items.loaders import ConfigurationItemByIdentificationKey
from resolvers.context import Context
from resolvers.errors import ShownError, SourceLost
from resolvers.operations.cues import demands_change
from resolvers.operations.matching import Choice, MatchStatus, OperationMatch
from resolvers.operations.model_choice import model_choice
from resolvers.operations.use_cases import find_operation
from resolvers.principals.principal import operator_principal
from schema.operations import trusted_documents
from schema.operations.catalog import operation_catalog

# What the JSON of an answer has of each citation.
CITATION_MEMBERS = (
    "heading", "number", "document_id", "first_line", "last_line", "content_hash", "item_id", "item_version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reply:
    """The answer: the response of a trusted document, or sentences and the trusted documents that may be meant."""

    match: OperationMatch
    degraded: Sequence[str]
    data: Mapping[str, Any] | None = None
    answer: Answer | None = None
    # Whether the question demands a change, which no answer makes.
    is_demand: bool = False

    @property
    def is_known(self) -> bool:
        """Whether the question is answered."""
        if self.answer is not None:
            return self.answer.status is AnswerStatus.ANSWERED
        return any(value is not None for value in (self.data or {}).values())


def command(
    question: Annotated[str, typer.Argument(help="The question, for example 'What depends on redis?'.")],
    about: Annotated[
        list[str] | None,
        typer.Option(help="A configuration item that it is about, as SOURCE/KEY, for example demo/redis. Repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """Answer a question by a trusted query, or with sentences of documents and facts, each with its source.

    Nothing is ever changed. If several queries may be meant, they are listed below the sentences. Exit code 7 if
    nothing answers it. You see everything, restricted incidents and documents included.
    """
    keys = [_parse_key(each) for each in about or ()]
    try:
        with use_stores(settings.load_settings()) as resolved:
            reply = asyncio.run(_ask(resolved, question, keys))
    except SourceLost as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from error
    except SourceRefused as error:
        raise CommandError(f"{error}; if its tables are missing, run stackflow migrate") from error
    except ShownError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    if reply.degraded:
        sys.stderr.write(f"stackflow: answered without {', '.join(reply.degraded)}\n")
    typer.echo(_to_json(reply) if as_json else _format_reply(reply, shutil.get_terminal_size().columns))
    if not reply.is_known:
        raise typer.Exit(int(Exit.UNKNOWN))


def _parse_key(text: str) -> tuple[str, str]:
    source, slash, key = text.partition("/")
    if not (source and slash and key):
        raise CommandError(f"--about {text!r} is not SOURCE/KEY, for example demo/redis", Exit.USAGE)
    return source, key


async def _ask(resolved: settings.Settings, question: str, keys: Sequence[tuple[str, str]]) -> _Reply:
    sources = open_sources(*resolved.require_stores(), resolved.language)
    principal = operator_principal()
    context = Context(principal, principal.scope, sources, RequestContext())
    try:
        with use_request(context.request):
            items = await context.loader(ConfigurationItemByIdentificationKey).load_many(keys)
            for (source, key), item in zip(keys, items, strict=True):
                if item is None:
                    raise CommandError(f"{source} has no configuration item with the key {key!r}", Exit.USAGE)
            ids = [item.id for item in items if item is not None]
            match = await find_operation(context, question, ids, operation_catalog(), model_choice(context))
            if match.status is MatchStatus.CHOSEN:
                data = await _run(context, match.choices[0])
                return _Reply(match, sorted(context.request.degraded), data=data)
            answer = await use_cases.ask(context, question, ids)
            degraded = sorted(context.request.degraded)
            return _Reply(match, degraded, answer=answer, is_demand=demands_change(question))
    finally:
        await sources.close()


async def _run(context: Context, choice: Choice) -> Mapping[str, Any]:
    """Return the data of the response to a trusted document."""
    # The schema takes a second to build, and most commands do without it.
    execution = pkgutil.resolve_name("schema.execution.execution")
    request = execution.GraphQLRequest(trusted_documents()[choice.operation.id].text, choice.variables)
    response = await execution.execute_request(request, context, DocumentLimits())
    if errors := response.body.get("errors"):
        raise CommandError(f"{choice.operation.name}: {errors[0]['message']}")
    data: Mapping[str, Any] = response.body["data"]
    return data


def _to_json(reply: _Reply) -> str:
    choices = [
        {"name": each.operation.name, "question": each.question, "variables": each.variables, "score": each.score}
        for each in reply.match.choices
    ]
    if reply.answer is None:
        return msgspec.json.encode({"operation": choices[0], "data": reply.data}).decode()
    answer = reply.answer
    sentences = [
        {"text": each.text, "citations": [citation.number for citation in each.citations]} for each in answer.sentences
    ]
    report = {
        "status": answer.status, "sentences": sentences, "citations": list(map(_to_members, answer.citations)),
        "documents_searched": answer.documents_searched,
    }  # fmt: skip
    return msgspec.json.encode(report | ({"choices": choices} if choices else {})).decode()


def _format_reply(reply: _Reply, width: int) -> str:
    if reply.answer is None:
        return f"{_printable(reply.match.choices[0].question)}\n\n{format_response(reply.data or {})}"
    lines = [_format(reply.answer, width)]
    if reply.match.choices:
        lines += ["", "Did you mean:", *(f"  {_printable(choice.question)}" for choice in reply.match.choices)]
    elif reply.is_demand:
        lines += ["", *textwrap.wrap(f"Nothing was run: {reply.match.reason}.", width)]
    return "\n".join(lines)


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter == "\n" or letter.isprintable())


def _to_members(citation: Citation) -> dict[str, object]:
    return {name: getattr(citation, name) for name in CITATION_MEMBERS}


def _format(answer: Answer, width: int) -> str:
    """Return the answer, wrapped to the width, and its sources. Control characters of documents are left out."""
    lines = [
        part
        for line in answer.text.split("\n")
        for part in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    sources = [_format_source(citation) for citation in answer.citations]
    return _printable("\n".join([*lines, *([""] if sources else []), *sources]))


def _format_source(citation: Citation) -> str:
    if citation.item_id is not None:
        return f"[{citation.number}] {citation.heading}, configuration item, version {citation.item_version}"
    lines = (
        f"line {citation.first_line}"
        if citation.first_line == citation.last_line
        else f"lines {citation.first_line}-{citation.last_line}"
    )
    return f"[{citation.number}] {citation.heading}, {lines}"
