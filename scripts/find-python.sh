#!/bin/sh
# Prints the first of these Pythons that the service runs on and that can make a virtual environment: those named as
# arguments, then those on the path, the ones that CI or the Lambda functions run before the newest.
set -eu

lacking=
for python in "$@" python3.13 python3.12 python3.11 python3.14 python3; do
  command -v "$python" >/dev/null 2>&1 || continue
  "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null || continue
  if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$python"
    exit 0
  fi
  lacking="$python"
done
if [ -n "$lacking" ]; then
  echo "make: $lacking has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv), or name another: make PYTHON=/path/to/python3" >&2
else
  echo "make: no Python from 3.11 to 3.14 found; install one, or name it: make PYTHON=/path/to/python3" >&2
fi
exit 1
