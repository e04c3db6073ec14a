"""What an environment costs a month: `python -m cdk.cost cdk/environments/dev.toml --calls-per-second 100`."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from cdk.bundle import ROOT
from cdk.costs.lines import Paid, paid
from cdk.costs.prices import UnknownPriceError, prices
from cdk.costs.shown import data, listed_data, money, sources, table
from cdk.costs.traffic import Traffic, by_traffic
from cdk.environment import Create
from cdk.reading import EnvironmentFileError, Read, read

LEFT_OUT = (
    "Left out: free tiers, storage, backups and I/O, data through NAT and endpoints, calls of models, messages of"
    " queues, taxes."
)
RANGE = (
    "Aurora, Neptune and OpenSearch are paid by their capacity, hour by hour: `least` is a month in which nobody works,"
    " `most` one at the largest capacity throughout."
)
# Keys that may be left open and say how much there is.
PRICED = ("network.endpoints", "edge.firewall_arn")
ADDED = "This environment adopts its stores and makes none: this is what it adds."


def main(arguments: list[str] | None = None) -> int:
    """The command line. 1 for a file that cannot be used or a price that is not known, with what to do about it."""
    parser = argparse.ArgumentParser(prog="python -m cdk.cost", description=__doc__)
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=ROOT / "cdk/environments/dev.toml",
        help="an environment file; dev.toml by default",
    )
    parser.add_argument("--calls-per-second", type=_positive, default=None, help="also what so many cost, all month")
    parser.add_argument(
        "--milliseconds", type=_positive, default=50.0, help="of the function for a call; 50 by default"
    )
    parser.add_argument("--kilobytes", type=_positive, default=10.0, help="of an answer; 10 by default")
    parser.add_argument("--sources", action="store_true", help="also where each price was found, and when")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    traffic = given.calls_per_second and Traffic(given.calls_per_second, given.milliseconds, given.kilobytes)
    try:
        seen = read(given.file)
        listed = prices()
        before = paid(seen.environment, listed)
    except (EnvironmentFileError, UnknownPriceError) as error:
        print(error, file=sys.stderr)
        return 1
    called = by_traffic(seen.environment, traffic, listed) if traffic else []
    if given.json:
        told = {
            "environment": seen.environment.name,
            "mode": "create" if isinstance(seen.environment, Create) else "adopt",
            "region_of_prices": "us-east-1",
            "before_traffic": data(before),
            "by_traffic": data(called) if traffic else None,
            "prices": listed_data(listed, [*before, *called]),
        }
        print(json.dumps(told, indent=2))
        return 0
    _show(seen, before, called, traffic, with_sources=given.sources)
    return 0


def _show(seen: Read, before: list[Paid], called: list[Paid], traffic: Traffic | None, *, with_sources: bool) -> None:
    console = Console()
    environment = seen.environment
    console.print(
        table(f"{environment.name}, before traffic: US dollars a month", before, total="sum", width=console.width)
    )
    if not isinstance(environment, Create):
        console.print(ADDED)
    open_ = [key for key in seen.open if key in PRICED]
    if open_:
        console.print(f"Left open in the file, and not counted: {', '.join(open_)}.")
    if traffic:
        console.print(table(f"{traffic.calls:g} calls a second, all month", called, total="sum", width=console.width))
        least, most = (
            money(sum(each)) for each in zip(*((one.idle, one.busy) for one in (*before, *called)), strict=True)
        )
        console.print(f"Together {least} USD." if least == most else f"Together {least} to {most} USD.")
    if environment.region != "us-east-1":
        console.print(f"Prices are those of us-east-1; {environment.region} has its own.")
    if environment.functions.provisioned:
        console.print("functions.provisioned: waiting instances are paid too; no price of theirs is in the list.")
    if isinstance(environment, Create):
        console.print(RANGE)
    console.print(LEFT_OUT)
    if with_sources:
        for line in sources([*before, *called]):
            console.print(line, soft_wrap=True, highlight=False)
    else:
        console.print("Where each price was found, and when: --sources.")


def _positive(text: str) -> float:
    found = float(text)
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not over 0")
    return found


if __name__ == "__main__":
    sys.exit(main())
