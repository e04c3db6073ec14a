#!/bin/sh
# Prints the branch coverage that `make test-all` measured: the ten least covered files, then the total.
set -eu

"$1" -m coverage report | awk 'NR <= 12 || /^TOTAL/'
