"""Measure how well rules tell true sentences from false ones: `python -m bench.faithfulness [--data FOLDER] [--rules]`.

Takes 600 sentences of GitLab's runbooks from a folder, ../shared/data by default, and of OpenShift's where they are
there too, as README.md says, and changes them. The rules were made with the first corpus; the second, and what is named
'unseen', was not looked at. The figures are exact.
"""

import gzip
import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml
from rich.console import Console
from rich.table import Table

from bench.faithfulness.changes import CORRUPTIONS, Original, paraphrase
from datasources.documents.chunks import split_document
from resolvers.answers.faithfulness import check_sentence
from resolvers.answers.sentences import split_sentences

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PARAPHRASES = Path(__file__).parent / "paraphrases.yaml"
FORMS = Path(__file__).parent / "forms.yaml"
SENTENCES = 600
MIN_WORDS, MAX_WORDS = 8, 40
# Invented clauses that are appended to each paraphrase by hand.
TAILS_OF_PARAPHRASE = 4
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk as a model is given it, and the sentences of it that are long enough."""

    text: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence of a kind and the source that it cites."""

    kind: str
    sentence: str
    source: str


def read_gitlab(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield titles and bodies of the runbooks of GitLab."""
    with gzip.open(folder / "gitlab_runbooks" / "docs.jsonl.gz", "rt") as lines:
        for line in lines:
            document = json.loads(line)
            yield document["title"], document["text"]


def read_openshift(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield titles and bodies of a copy of github.com/openshift/runbooks."""
    for path in sorted((folder / "openshift_runbooks").rglob("*.md")):
        yield path.stem, path.read_text()


CORPORA = {"gitlab": read_gitlab, "openshift": read_openshift}


def divide(documents: Iterator[tuple[str, str]]) -> list[Chunk]:
    """Return the chunks of documents."""
    chunks = []
    for title, body in documents:
        for chunk in split_document(title, body):
            texts = [each.text for each in split_sentences(chunk.body, 1) if "\n" not in each.text]
            fit = tuple(text for text in texts if MIN_WORDS <= len(text.split()) <= MAX_WORDS)
            chunks.append(Chunk(f"# {chunk.heading}\n\n{chunk.body}", fit))
    return chunks


def make_cases(chunks: Sequence[Chunk]) -> Iterator[Case]:
    """Yield the cases of SENTENCES sentences that were drawn by chance."""
    random = Random(SEED)
    drawn = [(place, text) for place, chunk in enumerate(chunks) for text in chunk.sentences]
    random.shuffle(drawn)
    for place, text in drawn[:SENTENCES]:
        source = chunks[place].text
        other = chunks[(place + len(chunks) // 2) % len(chunks)].text
        original = Original(text, source, other, random)
        yield Case("verbatim", text, source)
        yield Case("mechanical paraphrase", paraphrase(original), source)
        yield Case("wrong citation", text, other)
        yield Case("other document", random.choice(drawn)[1], source)
        for kind, change in CORRUPTIONS.items():
            if changed := change(original):
                yield Case(kind, changed, source)


def read_paraphrases(corpus: str, chunks: Sequence[Chunk]) -> Iterator[Case]:
    """Yield the paraphrases by hand, with the chunk that has the sentence. ValueError if none has it."""
    random = Random(SEED)
    plain = {_letters(chunk.text): chunk for chunk in chunks}
    for name, entries in yaml.safe_load(PARAPHRASES.read_text())[corpus].items():
        for entry in entries:
            wanted = _letters(entry["source"])
            chunk = next((chunk for text, chunk in plain.items() if wanted in text), None)
            if chunk is None:
                raise ValueError(f"no chunk of {corpus} has {entry['source']!r}")
            yield Case(f"paraphrase by hand, {name}", entry["paraphrase"], chunk.text)
            original = Original(entry["paraphrase"], chunk.text, chunks[0].text, random)
            for kind, change in CORRUPTIONS.items():
                for _ in range(TAILS_OF_PARAPHRASE if kind.startswith("invented clause") else 1):
                    if changed := change(original):
                        yield Case(f"paraphrase by hand, {name}: {kind}", changed, chunk.text)


def read_forms(chunks: Sequence[Chunk]) -> Iterator[Case]:
    """Yield the sentences of forms.yaml, with the chunk that has their source, or with the source itself."""
    plain = {_letters(chunk.text): chunk for chunk in chunks}
    for kind, sets in yaml.safe_load(FORMS.read_text()).items():
        for name, entries in sets.items():
            for entry in entries:
                wanted = _letters(entry["source"])
                source = next((chunk.text for text, chunk in plain.items() if wanted in text), entry["source"])
                for verdict in ("unfaithful", "faithful"):
                    for sentence in entry[verdict]:
                        yield Case(f"{kind}, {name}: {verdict}", sentence, source)


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def measure(cases: Iterator[Case]) -> Mapping[str, Counter[str]]:
    """Return by kind how many cases break which rule; '' is none."""
    found: dict[str, Counter[str]] = {}
    for case in cases:
        rejection = check_sentence(case.sentence, case.source)
        found.setdefault(case.kind, Counter())[rejection.rule if rejection else ""] += 1
    return found


def main() -> None:
    """Print a table for each corpus that is there."""
    parser = ArgumentParser(prog="python -m bench.faithfulness", description=(__doc__ or "").split(":")[0])
    parser.add_argument("--data", type=Path, default=DATA, help="has gitlab_runbooks and openshift_runbooks")
    parser.add_argument("--rules", action="store_true", help="print how many sentences each rule rejects")
    arguments = parser.parse_args()
    console = Console()
    every: list[Chunk] = []
    for corpus, read in CORPORA.items():
        chunks = divide(read(arguments.data))
        if not chunks:
            console.print(f"{corpus} is absent from {arguments.data}")
            continue
        every += chunks
        cases = [*make_cases(chunks), *read_paraphrases(corpus, chunks)]
        console.print(build_table(corpus, cases, with_rules=arguments.rules))
    console.print(build_table("forms", list(read_forms(every)), with_rules=arguments.rules))


def build_table(title: str, cases: Sequence[Case], *, with_rules: bool) -> Table:
    """Return a row for each kind of case: sentences, the share that is rejected, and by which rules."""
    table = Table("case", "sentences", "rejected", *(["by rule"] if with_rules else []), title=title)
    for kind, counts in measure(iter(cases)).items():
        total = counts.total()
        rules = ", ".join(f"{rule} {count}" for rule, count in counts.most_common() if rule)
        row = [kind, str(total), f"{1 - counts[''] / total:.1%}", rules]
        table.add_row(*row[: len(table.columns)])
    return table


if __name__ == "__main__":
    main()
