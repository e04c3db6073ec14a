"""What calls cost, at so many a second all month."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cdk.costs.lines import MILLION, SECONDS, Line, Paid
from cdk.costs.prices import Price
from cdk.environment import Environment

# Calls go through the firewall at CloudFront and the one at the gateway, whoever owns the first.
FIREWALLS = 2
# A line of the function and one of the gateway, in kB; the service's lines are about 1 kB without traversals.
LOGGED_KB = 2.0
# X-Ray's rule for who has made none: the first call of each second, and 5 percent of the others.
# https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
FIRST, SHARE = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls a second on average, milliseconds that the function takes for one, and kilobytes of its answer."""

    calls: float
    milliseconds: float = 50
    kilobytes: float = 10


def by_traffic(environment: Environment, traffic: Traffic, listed: Mapping[str, Price]) -> list[Paid]:
    """What a month of it costs beside what is paid anyway; free tiers are left out."""
    found = []
    for line in _lines(environment, traffic):
        usd = listed[line.price].of(line.idle)
        found.append(Paid(line, listed[line.price], usd, usd))
    return found


def _lines(environment: Environment, traffic: Traffic) -> Iterator[Line]:
    calls = traffic.calls * SECONDS / MILLION
    shown = f"{calls:,.1f} million"
    yield _line("API Gateway", shown, "gateway-request", calls)
    yield _line("Lambda, calls", shown, "lambda-request", calls)
    memory = environment.functions.memory_mb
    seconds = calls * traffic.milliseconds / 1_000 * memory / 1_024
    yield _line("Lambda, time", f"{traffic.milliseconds:g} ms x {memory:,} MB", "lambda-arm", seconds)
    yield _line("Firewalls, requests", f"{FIREWALLS} x {shown}", "firewall-request", FIREWALLS * calls)
    yield _line("CloudFront, requests", shown, "cloudfront-request", calls)
    # A million calls of one kB are a GB.
    yield _line("CloudFront, answers", f"{traffic.kilobytes:g} kB each", "cloudfront-gb", calls * traffic.kilobytes)
    yield _line("Logs", f"{LOGGED_KB:g} kB a call", "log-gb", calls * LOGGED_KB)
    traced = min(traffic.calls, FIRST + SHARE * max(0.0, traffic.calls - FIRST)) * SECONDS / MILLION
    yield _line("X-Ray", f"{traced:,.1f} million", "trace", traced)


def _line(what: str, count: str, price: str, quantity: float) -> Line:
    return Line(what, count, price, quantity, quantity)
