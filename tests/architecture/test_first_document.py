"""The document that GraphiQL opens with runs: valid, within limits, and answered by the demo."""

from pathlib import Path

from tests.fixtures.demo import answer_to

DOCUMENT = Path(__file__).parents[2] / "explorer" / "graphiql" / "first-document.graphql"


async def test_the_first_document_is_answered(demo: tuple[str, str]) -> None:
    body = await answer_to(demo, DOCUMENT.read_text(), {})
    assert "errors" not in body
    assert body["data"]["incident"]["configurationItems"]["nodes"][0]["dependents"]["edges"]
