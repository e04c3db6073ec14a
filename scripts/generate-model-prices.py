"""Print the catalog of models: prices and context sizes from the package genai-prices (MIT), the rest from here.

Run it with a Python that has genai-prices; nothing else needs that package:

    python -m venv /tmp/prices && /tmp/prices/bin/pip install genai-prices
    /tmp/prices/bin/python scripts/generate-model-prices.py > datasources/language/models.yaml

Arguments `id=tier` name other models than the default ones.
"""

import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from genai_prices.data import providers

# Ids of inference profiles with a prefix: what an id without one costs depends on the library. Tier 1 is the weakest.
MODELS = {
    "us.anthropic.claude-haiku-5-5": 1,
    "us.anthropic.claude-haiku-4-5-20251001-v1:0": 1,
    "us.anthropic.claude-sonnet-5-5": 2,
    "us.anthropic.claude-sonnet-4-6": 2,
    "us.anthropic.claude-opus-5-5": 3,
    "us.anthropic.claude-opus-5": 3,
}
# By tier: seconds until the first token (p50, p95) and tokens a second after it (p50, p5). Not measured: they are
# replaced by what the ledger shows as soon as it has enough calls.
ASSUMED_SPEEDS = {1: (0.5, 1.2, 120, 60), 2: (0.9, 2.2, 70, 40), 3: (1.4, 3.5, 45, 25)}
# Tokens of one reply. Every model has at least these; answers need a thousand.
MAX_OUTPUT_TOKENS = 32_000
PRICES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


def find_model(id_: str) -> Any:
    """Return the model of AWS with this id. Exit if there is none with a price and a context size."""
    [aws] = [each for each in providers if each.id == "aws"]
    for model in aws.models:
        if model.match.is_match(id_):
            if model.context_window is None:
                sys.exit(f"{id_}: genai-prices knows no context size")
            return model
    sys.exit(f"{id_}: genai-prices knows no price")


def list_prices(model: Any, now: datetime) -> list[tuple[int, dict[str, str]]]:
    """Return the prices of a model for prompts above a number of tokens, in USD for a million tokens."""
    now_prices = model.get_prices(now)
    found = {name: getattr(now_prices, field) for name, field in PRICES.items()}
    starts = sorted({0, *(tier.start for price in found.values() for tier in getattr(price, "tiers", ()))})
    return [(start, {name: str(price_above(price, start)) for name, price in found.items()}) for start in starts]


def price_above(price: Any, start: int) -> Any:
    """Return the price of prompts of more than `start` tokens."""
    above = [tier.price for tier in getattr(price, "tiers", ()) if tier.start <= start]
    return above[-1] if above else getattr(price, "base", price)


def main() -> None:
    """Print the file."""
    models = {id_: int(tier) for id_, _, tier in (each.rpartition("=") for each in sys.argv[1:])} or MODELS
    now = datetime.now(UTC)
    print(
        "# Models that may be called, written by scripts/generate-model-prices.py. Prices are claims of their day, not"
    )
    print(
        "# bills: in USD for a million tokens, of prompts with more than `above_tokens`. Speeds and the tokens of one"
    )
    print("# reply are assumptions; those of speed apply until the ledger has 20 calls of a model.")
    print(f"as_of: {now:%Y-%m-%d}")
    print(f"source: genai-prices {version('genai-prices')}")
    print("models:")
    for id_, tier in models.items():
        model = find_model(id_)
        first, first_late, rate, rate_low = ASSUMED_SPEEDS[tier]
        print(f"  - id: {id_}")
        print(f"    tier: {tier}")
        print(f"    context_tokens: {model.context_window}")
        print(f"    output_tokens: {MAX_OUTPUT_TOKENS}")
        print("    prices:")
        for start, prices in list_prices(model, now):
            values = ", ".join(f"{name}: {price}" for name, price in prices.items())
            print(f"      - {{above_tokens: {start}, {values}}}")
        print("    speed:")
        print(f"      first_token_seconds: {{p50: {first}, p95: {first_late}}}")
        print(f"      tokens_per_second: {{p50: {rate}, p5: {rate_low}}}")


main()
