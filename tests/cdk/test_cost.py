"""What an environment costs: quantities as templates make them, prices with sources, sums, the page, the command."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from cdk.cost import main
from cdk.costs.lines import HOURS, METRICS, MILLION, SECONDS, Paid, lines, paid
from cdk.costs.prices import Price, Step, prices
from cdk.costs.traffic import Traffic, by_traffic
from cdk.environment import Create
from cdk.reading import read
from tests.cdk.templates import Synth

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "aws-cost.md").read_text()
DEV, PROD = (ROOT / "cdk" / "environments" / f"{name}.toml" for name in ("dev", "prod"))
PRODUCTION = ROOT / "cdk" / "sizes" / "production.toml"


def quantities(synth: Synth) -> dict[str, float]:
    return {each.price: each.idle for each in lines(synth.environment)}


def test_quantities_are_what_the_templates_make(each: Synth) -> None:
    counted = quantities(each)
    is_made = isinstance(each.environment, Create)
    firewalls = each.resources("AWS::WAFv2::WebACL").values()
    assert counted["firewall"] == len(firewalls)
    assert counted["firewall-rule"] == sum(len(acl["Rules"]) for acl in firewalls)
    alarms = each.resources("AWS::CloudWatch::Alarm").values()
    assert counted["alarm-anomaly"] == sum("ThresholdMetricId" in alarm for alarm in alarms)
    assert counted["alarm"] == len(alarms) - counted["alarm-anomaly"]
    assert counted["dashboard"] == len(each.resources("AWS::CloudWatch::Dashboard"))
    assert counted.get("key", 0) == len(each.resources("AWS::KMS::Key"))
    owners = sum(
        bool(cluster.get("ManageMasterUserPassword")) for cluster in each.resources("AWS::RDS::DBCluster").values()
    )
    assert counted.get("secret", 0) == len(each.resources("AWS::SecretsManager::Secret")) + owners
    assert counted.get("nat-hour", 0) == len(each.resources("AWS::EC2::NatGateway")) * HOURS
    assert counted.get("ipv4-hour", 0) == len(each.resources("AWS::EC2::EIP")) * HOURS
    interfaces = [
        len(endpoint["SubnetIds"])
        for endpoint in each.resources("AWS::EC2::VPCEndpoint").values()
        if endpoint.get("VpcEndpointType") == "Interface"
    ]
    assert counted.get("endpoint-hour", 0) == sum(interfaces) * HOURS
    assert ("opensearch-ocu" in counted) is bool(each.resources("AWS::OpenSearchServerless::Collection")) is is_made


def test_capacity_is_paid_for_each_instance(dev: Synth) -> None:
    for cluster, price in (("AWS::RDS::DBCluster", "aurora-acu"), ("AWS::Neptune::DBCluster", "neptune-ncu")):
        instances = len(dev.resources(cluster.replace("Cluster", "Instance"))) / len(dev.resources(cluster))
        scaled = [
            each.get("ServerlessV2ScalingConfiguration") or each["ServerlessScalingConfiguration"]
            for each in dev.resources(cluster).values()
        ]
        found = [(each.idle, each.busy) for each in lines(dev.environment) if each.price == price]
        assert found == [
            (instances * each["MinCapacity"] * HOURS, instances * each["MaxCapacity"] * HOURS) for each in scaled
        ]
    (group,) = dev.resources("AWS::ElastiCache::ReplicationGroup").values()
    assert quantities(dev)[group["CacheNodeType"]] == (1 + group["ReplicasPerNodeGroup"]) * HOURS


def test_the_collection_has_a_standby_as_its_least_capacity_says(dev: Synth) -> None:
    (collection,) = dev.resources("AWS::OpenSearchServerless::Collection").values()
    assert collection["StandbyReplicas"] == "ENABLED"


def test_metrics_are_those_that_the_service_writes() -> None:
    table = (
        (ROOT / "docs" / "observability.md")
        .read_text()
        .partition("| metric | unit | meaning |")[2]
        .partition("\n\n")[0]
    )
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    trusted = list((ROOT / "schema" / "operations").glob("*.graphql"))
    assert len(named) + 2 * len(trusted) + 1 == METRICS


@pytest.mark.parametrize("name", prices())
def test_each_price_has_a_source_of_this_decade_and_each_is_used(name: str) -> None:
    assert prices()[name].date >= "2024"
    used = {each.price for file in (DEV, PRODUCTION) for each in lines(read(file).environment)}
    used |= {each.line.price for each in by_traffic(read(DEV).environment, Traffic(1), prices())}
    assert name in used | {"snapshot-cached"}


@pytest.mark.parametrize(
    "broken",
    [
        {"usd": 1, "unit": "x", "date": "2026-01-01", "dated": "read"},
        {"usd": 1, "unit": "x", "date": "memory", "dated": "read", "source": "https://example.org"},
        {"usd": 1, "unit": "x", "date": "2026-01-01", "dated": "read", "source": "memory"},
        {"usd": 0, "unit": "x", "date": "2026-01-01", "dated": "read", "source": "https://example.org"},
    ],
)
def test_a_price_without_its_source_is_no_price(broken: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(broken, Price)


def test_what_is_over_a_step_costs_what_the_step_says() -> None:
    price = Price(
        usd=3.5, unit="x", date="2026", dated="read", source="https://example.org",
        steps=(Step(333, 2.8), Step(1_000, 2.38)),
    )  # fmt: skip
    found = [round(price.of(each), 2) for each in (0, 1, 333, 334, 1_000, 2_000)]
    assert found == [0, 3.5, 1_165.5, 1_168.3, 3_033.1, 5_413.1]


def test_calls_of_a_month_are_counted_and_priced() -> None:
    found = {
        each.line.what: (each.line.idle, round(each.idle, 2))
        for each in by_traffic(read(DEV).environment, Traffic(50), prices())
    }
    # 50 a second for 2,628,000 seconds; 131.4 million of 2 kB are 262.8 GB.
    assert found == {
        "API Gateway": (131.4, 459.90),
        "Lambda, calls": (131.4, 26.28),
        "Lambda, time": (pytest.approx(131.4 * 0.05 * 1.75), 153.30),
        "Firewalls, requests": (262.8, 157.68),
        "CloudFront, requests": (131.4, 131.40),
        "CloudFront, answers": (1_314, 111.69),
        "Logs": (262.8, 131.40),
        "X-Ray": (pytest.approx((1 + 0.05 * 49) * SECONDS / MILLION), 45.33),
    }


def test_fewer_calls_than_x_ray_would_take_are_all_taken() -> None:
    found = [
        each.line.idle
        for each in by_traffic(read(DEV).environment, Traffic(0.5), prices())
        if each.line.price == "trace"
    ]
    assert found == [0.5 * SECONDS / MILLION]


# The page.


def cells(found: list[Paid]) -> list[str]:
    return [
        f"| {each.line.what} | {each.line.count} | `{each.line.price}` | {each.idle:,.2f} | {each.busy:,.2f} |"
        for each in found
    ]


def stated(listed: Mapping[str, Price]) -> list[str]:
    found = []
    for name, price in listed.items():
        usd = "".join([f"{price.usd:g}", *(f", over {step.over:,g} {step.usd:g}" for step in price.steps)])
        when = price.date if price.dated == "published" else f"read {price.date}"
        site = price.source.split("/")[2].removeprefix("www.")
        note = f"; {price.note}" if price.note else ""
        found.append(f"| `{name}` | {usd} | {price.unit} | {when} | [{site}]({price.source}){note} |")
    return found


def of(title: str) -> list[str]:
    """The rows of a section's table, as they are written."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| what |")]


@pytest.mark.parametrize(("title", "file"), [("Minimal", DEV), ("Production", PRODUCTION), ("Adopting", PROD)])
def test_the_page_shows_what_the_command_does(title: str, file: Path) -> None:
    found = paid(read(file).environment, prices())
    idle, busy = (f"{sum(each):,.2f}" for each in zip(*((one.idle, one.busy) for one in found), strict=True))
    assert of(title) == [*cells(found), f"| **sum** | | | **{idle}** | **{busy}** |"]


def test_the_page_shows_every_price_with_its_source_and_date() -> None:
    assert of("Prices") == ["| price | USD | for one | date | source |", *stated(prices())]


def test_the_page_shows_what_the_documented_rate_would_cost() -> None:
    found = by_traffic(read(PRODUCTION).environment, Traffic(5_000), prices())
    expected = [f"| {each.line.what} | {each.line.count} | `{each.line.price}` | {each.idle:,.2f} |" for each in found]
    assert of("By traffic") == [*expected, f"| **sum** | | | **{sum(each.idle for each in found):,.2f}** |"]


# The command.


def test_the_command_prints_tables_sums_and_sources(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main([str(DEV), "--calls-per-second", "50", "--sources"]) == 0
    told = capsys.readouterr().out
    assert "dev, before traffic: US dollars a month" in told
    assert re.search(r"│ Aurora, main +│ 2 x 0.5 to 4 ACU +│ +0.12 │ ACU-hour +│ +87.60 │ +700.80 │", told)
    assert re.search(r"│ sum +│ +│ +│ +│ 948.71 │ 2,879.41 │", told)
    assert "Together 2,165.69 to 4,096.40 USD." in told
    assert (
        "nat-hour: 0.045 USD (gateway-hour), of 2026-02-24: https://cloudburn.io/blog/aws-nat-gateway-pricing" in told
    )


@pytest.mark.parametrize("width", [40, 60, 89])
def test_a_narrow_terminal_breaks_no_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main([str(PROD)]) == 0
    told = capsys.readouterr().out
    assert max(len(line) for line in told.splitlines()) <= width
    assert "for one" not in told
    for word in ("Firewalls", "Dashboard", "anomaly", "Metrics"):
        assert word in told


def test_an_adopting_environment_is_told_what_it_adds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main([str(PROD)]) == 0
    told = capsys.readouterr().out
    assert "adopts its stores and makes none: this is what it adds." in told
    assert "Left open in the file, and not counted: network.endpoints, edge.firewall_arn." in told
    assert "Aurora" not in told


def test_programs_get_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(PRODUCTION), "--json", "--calls-per-second", "5000"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["environment"], told["mode"]) == ("production", "create")
    assert told["before_traffic"]["least_usd"] == 2_838.53
    assert told["by_traffic"]["least_usd"] == told["by_traffic"]["most_usd"] == 104_163.86
    assert set(told["prices"]) == {
        each["price"] for part in ("before_traffic", "by_traffic") for each in told[part]["lines"]
    }


def test_what_cannot_be_priced_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "dev.toml"
    file.write_text(DEV.read_text().replace("cache.t4g.small", "cache.m7g.large"))
    assert main([str(file)]) == 1
    assert capsys.readouterr().err == (
        "redis.node_type: no price of cache.m7g.large is known, only of cache.t4g.small, cache.r7g.large;"
        " add it to prices.toml with its source\n"
    )
    assert main([str(tmp_path / "none.toml")]) == 1
    assert "no such file" in capsys.readouterr().err
    for wrong in ("0", "-1", "nan", "inf", "x"):
        with pytest.raises(SystemExit):
            main([str(DEV), "--calls-per-second", wrong])
