"""The catalog: prices by the length of a prompt, and files that refuse the start."""

import logging
from datetime import date
from pathlib import Path

import pytest

from datasources.language.port import TokenUsage
from resolvers.models.catalog import DEFAULT_PATH, CatalogError, load_catalog

HEAD = "as_of: 2026-11-30\nsource: a test\nmodels:\n"
PRICE = "      - {above_tokens: 0, input: 1, output: 5, cache_read: 0.1, cache_write: 1.25}\n"
SPEED = "    speed: {first_token_seconds: {p50: 0.5, p95: 1}, tokens_per_second: {p50: 100, p5: 50}}\n"


def model(id_: str = "us.anthropic.claude-haiku-9", prices: str = f"    prices:\n{PRICE}", tier: int = 1) -> str:
    return f"  - id: {id_}\n    tier: {tier}\n    context_tokens: 1000\n    output_tokens: 100\n{prices}{SPEED}"


def test_the_package_has_models_of_every_tier_with_prices() -> None:
    catalog = load_catalog(today=date(2026, 12, 1))
    assert {each.tier for each in catalog.models} == {1, 2, 3}
    assert all(each.id.startswith("us.anthropic.claude-") for each in catalog.models)
    assert catalog.source.startswith("genai-prices ")
    haiku = catalog.models[0]
    assert haiku.cost(TokenUsage(input=1_000_000 // 10)) == pytest.approx(0.011)


def test_a_long_prompt_costs_the_price_of_long_prompts_for_all_its_tokens() -> None:
    haiku = load_catalog().models[0]
    assert haiku.cost(TokenUsage(input=100_000)) == pytest.approx(0.011)
    assert haiku.cost(TokenUsage(input=100_001)) == pytest.approx(100_001 * 0.55 / 1e6)
    assert haiku.cost(TokenUsage(input=1, cache_read=100_000, output=10)) == pytest.approx(
        (0.55 + 100_000 * 0.055 + 10 * 2.75) / 1e6
    )


@pytest.mark.parametrize(
    "usage",
    [TokenUsage(6_000, 300), TokenUsage(0, 300, 6_000), TokenUsage(10, 5, 100, 5_890), TokenUsage(150_000, 300)],
)
def test_the_worst_cost_is_no_less_than_any_cost(usage: TokenUsage) -> None:
    tokens = usage.input + usage.cache_read + usage.cache_write
    for each in load_catalog().models:
        assert each.cost(usage) <= each.worst_cost(tokens, usage.output)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (model(prices=""), "the model us.anthropic.claude-haiku-9 has no price; add it, or remove the model"),
        (model(prices="    prices: []\n"), "the model us.anthropic.claude-haiku-9 has no price"),
        (model() + model(), "us.anthropic.claude-haiku-9 is listed twice"),
        (model("anthropic.claude-haiku-9"), "$.models[0].id"),
        (model(tier=4), "$.models[0].tier"),
        (model(prices=f"    prices:\n{PRICE}{PRICE}"), "are not in order"),
        (
            model(prices=f"    prices:\n{PRICE}{PRICE.replace('0,', '9,', 1).replace('input: 1', 'input: 0.5')}"),
            "is cheaper for longer prompts",
        ),
    ],
)
def test_an_unusable_catalog_is_refused_with_one_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(CatalogError) as refused:
        load_catalog(path)
    assert problem in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        load_catalog(tmp_path / "none.yaml")


def test_old_prices_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    as_of = load_catalog().as_of
    caplog.clear()
    with caplog.at_level(logging.WARNING, "stackflow.models"):
        load_catalog(DEFAULT_PATH, date.fromordinal(as_of.toordinal() + 60))
        assert caplog.records == []
        load_catalog(DEFAULT_PATH, date.fromordinal(as_of.toordinal() + 61))
    assert [each.getMessage() for each in caplog.records] == ["prices of models are old"]
