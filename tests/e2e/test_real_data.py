"""The two real data sets, imported and then asked by GraphQL: the figures that their README gives."""

import csv
import gzip
from collections import Counter
from typing import Any

from datasources.cache.off import NoCache
from datasources.config import GraphSettings, ReachStrategy
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Graph
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.sources import Sources
from resolvers.principals.principal import Principal, PrincipalKind
from resolvers.projection.rebuild import RebuildOptions, rebuild
from schema.operations import trusted_documents
from tests.fixtures.databases import ask
from tests.fixtures.imports import DATA, MAPPINGS, Stores, names, needs_data, stores

__all__ = ["names", "stores"]

ANALYST = Principal("analyst", "Analyst", PrincipalKind.USER, frozenset({"*"}))

COUNTS = """{
  incidents { totalCount }
  items: configurationItems(filter: { class: { eq: "bpic14" } }) { totalCount }
  components: configurationItems(filter: { class: { eq: "service_component" } }) { totalCount }
  teams { totalCount }
}"""

IMPACT = """query ($key: String!) {
  configurationItem(key: { source: "bpic14", key: $key }) {
    impact(depth: 50) { totals { failing atRisk byDepth { depth count } } truncated capped { depth } }
  }
}"""

ACTIVITIES = "query ($number: String!) { incident(number: $number) { number activities { kind happenedAt } } }"


async def data_of(opened: Stores, document: str, graph: Graph | None = None, **variables: Any) -> Any:
    """The data of an answer without errors."""
    sources = Sources(opened.main, opened.requirements, graph or RecursiveGraph(opened.main), NoCache())
    answered = await ask(sources, document, ANALYST, **variables)
    assert answered.errors == []
    return answered.data


@needs_data
async def test_bpic14_answers_as_its_readme_says(stores: Stores, gremlin_server: EmbeddedGremlin) -> None:
    await stores.load(MAPPINGS / "bpic14.yaml", DATA)
    counted = await data_of(stores, COUNTS)
    assert {name: each["totalCount"] for name, each in counted.items()} == {
        "incidents": 4_000,
        "items": 754,
        "components": 185,
        "teams": 195,
    }

    tables = RecursiveGraph(stores.main)
    engine = GremlinClient(GraphSettings(url=gremlin_server.url))
    await rebuild(stores.main, GremlinProjection(engine), RebuildOptions(clear=True))
    impacts = [
        (await data_of(stores, IMPACT, graph, key="SSW000101"))["configurationItem"]["impact"]
        for graph in (tables, GremlinGraph(engine), GremlinGraph(engine, ReachStrategy.FRONTIER))
    ]
    await engine.close()
    assert impacts == [impacts[0]] * 3
    totals = impacts[0]["totals"]
    assert totals["failing"] + totals["atRisk"] == 73
    assert sum(each["count"] for each in totals["byDepth"]) == 73
    assert max(each["depth"] for each in totals["byDepth"]) == 5
    assert impacts[0]["capped"] == []

    # Nothing of the data stands in this test, so the incident with the most activities is read from the file.
    with gzip.open(DATA / "bpic14_sample" / "incident_activity_log.csv.gz", "rt", newline="") as file:
        activities = Counter(row["incident_id"] for row in csv.DictReader(file))
    ((number, most),) = activities.most_common(1)
    incident = (await data_of(stores, ACTIVITIES, number=number))["incident"]
    assert (incident["number"], len(incident["activities"])) == (number, most)

    overview = next(each for each in trusted_documents().values() if each.name == "incident-overview")
    told = (await data_of(stores, overview.text, number=number))["incident"]
    assert told["number"] == number
    assert len(told["configurationItems"]["nodes"]) >= 1


@needs_data
async def test_gitlab_reports_its_ten_dangling_dependencies(stores: Stores) -> None:
    report = await stores.load(MAPPINGS / "gitlab.yaml", DATA)
    # Of the runbooks, 138 lie in folders that are no service.
    assert report.waiting == {"document_items": 138, "relationships": 10}
    document = "{ configurationItems { totalCount } teams { totalCount } documents { totalCount } }"
    counted = await data_of(stores, document)
    assert [each["totalCount"] for each in counted.values()] == [55, 63, 414]
    # What waits for an unknown item is no relationship yet: it shows in no walk.
    degrees = await data_of(stores, "{ configurationItems(first: 500) { nodes { degrees { outgoing incoming } } } }")
    each = [degree for node in degrees["configurationItems"]["nodes"] for degree in node["degrees"]]
    assert sum(degree["outgoing"] for degree in each) == sum(degree["incoming"] for degree in each) == 102
