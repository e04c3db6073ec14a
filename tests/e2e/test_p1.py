"""The story of the README: its script, run as it stands against a server on embedded stores."""

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.test_run import environment, serving

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "demo" / "p1.sh"

STEPS = [
    "1. Alertmanager reports a critical alert",
    "2. An incident is open, and a workflow run has started",
    "3. A person approves the step, here or in GraphiQL",
    "4. The message is on the P1 queue",
    "5. The executor restarts the server and reports the result",
    "6. The alert ends, and the incident is resolved",
]


def test_a_p1_incident_travels_from_alert_to_resolved(open_folder: Path) -> None:
    settings = environment(open_folder)
    with serving(settings) as (_, address):
        done = subprocess.run(
            ["sh", str(SCRIPT)],
            env=settings | {"PATH": os.environ["PATH"], "STACKFLOW_URL": address, "PYTHON": sys.executable},
            capture_output=True, check=False, text=True,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[4:-4] for line in done.stdout.splitlines() if line.startswith("\x1b[1m")] == STEPS
    second, fourth, last = (done.stdout.split(STEPS[each])[1] for each in (1, 3, 5))
    assert '"priority": 1' in second
    assert '"total": 17' in second.split('"blastRadius"')[1].split("critical")[0]
    assert '"action": "service.restart"' in fourth.split(STEPS[4])[0]
    assert '"state": "RESOLVED"' in last
    assert '"resolutionCode": "ALERT_RESOLVED"' in last
    assert last.count('"state": "SUCCEEDED"') == 5


def test_the_readme_names_the_script_and_its_steps() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "\nsh demo/p1.sh\n" in readme
    assert (
        len([line for line in readme.splitlines() if line.startswith(tuple(f"**{each}. " for each in range(1, 7)))])
        == 6
    )
