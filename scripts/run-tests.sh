#!/bin/sh
# Runs pytest with the Python and the arguments given. With TEST_RETRY=1, at most three failed tests run once more, one
# after the other with nothing beside them, and are named; docs/decisions/0044 says why.
set -u

python=$1
shift
failures=.pytest_cache/v/cache/lastfailed
# Failures of earlier runs are not run again.
if [ "${TEST_RETRY:-0}" = 1 ]; then rm -f "$failures"; fi
"$python" -m pytest "$@"
code=$?
if [ "$code" != 1 ] || [ "${TEST_RETRY:-0}" != 1 ]; then exit "$code"; fi

failed=$("$python" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")' "$failures")
count=$(printf '%s\n' "$failed" | wc -l)
if [ "$count" -gt 3 ]; then exit "$code"; fi
"$python" -m pytest "$@" -n 0 -vv --last-failed --last-failed-no-failures none
code=$?
if [ "$code" = 0 ]; then
  printf 'UNSTABLE: %s passed only when run again:\n%s\n' "$count" "$failed"
fi
exit "$code"
