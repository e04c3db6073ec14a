"""`stackflow ask`: answer a question with cited sentences, from the stores of the settings."""

import asyncio
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

import settings
from commands.exit_codes import CommandError, Exit
from commands.stores import use_stores
from datasources.errors import SourceRefused
from datasources.request import RequestContext, use_request
from datasources.sources import open_sources
from resolvers.answers import use_cases
from resolvers.answers.answer import Answer, AnswerStatus, Citation
from resolvers.configuration_items.loaders import ConfigurationItemByIdentificationKey
from resolvers.context import Context
from resolvers.errors import ShownError, SourceLost
from resolvers.principals.principal import operator_principal


def command(
    question: Annotated[str, typer.Argument(help="The question, for example 'How do I fail over Redis?'.")],
    about: Annotated[
        list[str] | None,
        typer.Option(help="A configuration item that it is about, as SOURCE/KEY, for example demo/redis. Repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """Answer a question with sentences of documents and facts about configuration items, each with its source.

    Exit code 7 if nothing answers it. You see everything, restricted incidents and documents included.
    """
    keys = [_parse_key(each) for each in about or ()]
    try:
        with use_stores(settings.load_settings()) as resolved:
            answer, degraded = asyncio.run(_ask(resolved, question, keys))
    except SourceLost as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from error
    except SourceRefused as error:
        raise CommandError(f"{error}; if its tables are missing, run stackflow migrate") from error
    except ShownError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    if degraded:
        sys.stderr.write(f"stackflow: answered without {', '.join(degraded)}\n")
    typer.echo(_to_json(answer) if as_json else _format(answer, shutil.get_terminal_size().columns))
    if answer.status is AnswerStatus.UNKNOWN:
        raise typer.Exit(int(Exit.UNKNOWN))


def _parse_key(text: str) -> tuple[str, str]:
    source, slash, key = text.partition("/")
    if not (source and slash and key):
        raise CommandError(f"--about {text!r} is not SOURCE/KEY, for example demo/redis", Exit.USAGE)
    return source, key


async def _ask(resolved: settings.Settings, question: str, keys: Sequence[tuple[str, str]]) -> tuple[Answer, list[str]]:
    sources = open_sources(*resolved.require_stores(), resolved.language)
    principal = operator_principal()
    context = Context(principal, principal.scope, sources, RequestContext())
    try:
        with use_request(context.request):
            items = await context.loader(ConfigurationItemByIdentificationKey).load_many(keys)
            for (source, key), item in zip(keys, items, strict=True):
                if item is None:
                    raise CommandError(f"{source} has no configuration item with the key {key!r}", Exit.USAGE)
            answer = await use_cases.ask(context, question, [item.id for item in items if item is not None])
            return answer, sorted(context.request.degraded)
    finally:
        await sources.close()


def _to_json(answer: Answer) -> str:
    sentences = [
        {"text": each.text, "citations": [citation.number for citation in each.citations]} for each in answer.sentences
    ]
    report = {
        "status": answer.status, "sentences": sentences, "citations": answer.citations,
        "documents_searched": answer.documents_searched,
    }  # fmt: skip
    return msgspec.json.encode(report).decode()


def _format(answer: Answer, width: int) -> str:
    """Return the answer, wrapped to the width, and its sources. Control characters of documents are left out."""
    lines = [
        part
        for line in answer.text.split("\n")
        for part in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    sources = [_format_source(citation) for citation in answer.citations]
    text = "\n".join([*lines, *([""] if sources else []), *sources])
    return "".join(letter for letter in text if letter == "\n" or letter.isprintable())


def _format_source(citation: Citation) -> str:
    if citation.item_id is not None:
        return f"[{citation.number}] {citation.heading}, configuration item, version {citation.item_version}"
    lines = (
        f"line {citation.first_line}"
        if citation.first_line == citation.last_line
        else f"lines {citation.first_line}-{citation.last_line}"
    )
    return f"[{citation.number}] {citation.heading}, {lines}"
