"""Bounds of a reply, whatever a server sends: its characters, its blocks and its sentences."""

from collections.abc import Iterable
from dataclasses import replace

from datasources.language.bedrock.sentences import TextBlock
from datasources.language.port import MAX_SENTENCES, Completion, Draft, DraftSentence, StopReason

# A token of Claude has about 3.5 characters of English; four times as many, since runs of spaces or dashes are one
# token. https://docs.claude.com/en/docs/about-claude/glossary#tokens
MAX_CHARACTERS_A_TOKEN = 14


def max_characters(max_tokens: int) -> int:
    """Return the characters that a reply of so many tokens may have."""
    return max_tokens * MAX_CHARACTERS_A_TOKEN


def cut_blocks(blocks: Iterable[TextBlock], max_tokens: int) -> tuple[list[TextBlock], bool]:
    """Return the blocks up to the bounds of a reply of so many tokens, and whether anything was cut off.

    Each block has a token at least, so there are at most as many blocks.
    """
    kept: list[TextBlock] = []
    left = max_characters(max_tokens)
    for block in blocks:
        if len(kept) == max_tokens or len(block.text) > left:
            return [*kept, TextBlock(block.text[:left], block.sources)][:max_tokens], True
        kept.append(block)
        left -= len(block.text)
    return kept, False


def bound_draft(sentences: Iterable[DraftSentence], completion: Completion) -> Draft:
    """Return a draft of at most MAX_SENTENCES; one of more is MALFORMED. One that a guardrail stopped has none."""
    # The text is the guardrail's then, and no answer.
    kept = () if completion.stop is StopReason.GUARDRAIL else tuple(sentences)
    if len(kept) > MAX_SENTENCES and completion.stop is StopReason.END:
        completion = replace(completion, stop=StopReason.MALFORMED)
    return Draft(kept[:MAX_SENTENCES], completion)


def bound_completion(completion: Completion, *, is_cut: bool) -> Completion:
    """Return the completion of a reply; if it was cut off, it ends by MAX_TOKENS, whatever the server says."""
    is_end = completion.stop is StopReason.END
    return replace(completion, stop=StopReason.MAX_TOKENS) if is_cut and is_end else completion
