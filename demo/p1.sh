#!/bin/sh
# Follow a P1 from alert to resolution: an alert opens an incident and its blast radius is computed, a workflow asks for
# approval, a message is on the P1 queue, the executor reports the result, the alert ends, and the incident is resolved.
#
# It uses a server that `make run` started, or the one at STACKFLOW_URL. Each run creates a new incident.
set -eu
cd "$(dirname "$0")/.."
url=${STACKFLOW_URL:-http://127.0.0.1:8000}
python=${PYTHON:-.venv/bin/python}
stackflow="$python -m commands"
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
fingerprint=$(date +%s)$$

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# Print the value at a path such as data.incidents.nodes.0.id of the JSON on stdin; print nothing if it is missing.
at() {
  "$python" -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    try:
        value = value[int(name) if name.isdigit() else name]
    except (KeyError, IndexError, TypeError):
        sys.exit()
print(value if isinstance(value, str) else json.dumps(value))' "$1"
}

# Execute a document with its variables as JSON: ask DOCUMENT VARIABLES
ask() {
  "$python" -c 'import json, sys; print(json.dumps({"query": sys.argv[1], "variables": json.loads(sys.argv[2])}))' "$1" "$2" |
    curl --silent --show-error --fail-with-body "$url/graphql" --header 'content-type: application/json' --data @-
}

# Repeat every 0.5 s, for a minute, until the response has a value at a path: wait_until VALUE PATH DOCUMENT VARIABLES
wait_until() {
  for _ in $(seq 120); do
    answer=$(ask "$3" "$4")
    actual=$(printf %s "$answer" | at "$2")
    if [ "$actual" = "$1" ]; then return; fi
    sleep 0.5
  done
  echo "p1.sh: after a minute, $2 is ${actual:-missing}, expected $1" >&2
  exit 1
}

# Alertmanager has its own key: under the four-eyes rule, the caller whose alert caused a run cannot approve its steps.
key=$($stackflow key create "alertmanager-$fingerprint" --permission alerts:write)

alert() {
  curl --silent --show-error --fail-with-body "$url/alerts/alertmanager" --header 'content-type: application/json' \
    --header "authorization: Bearer $key" --data '{
    "version": "4", "receiver": "demo", "status": "'"$1"'", "groupKey": "{}:{alertname=\"RedisDown\"} '"$fingerprint"'",
    "truncatedAlerts": 0, "groupLabels": {"alertname": "RedisDown"}, "commonLabels": {}, "commonAnnotations": {},
    "externalURL": "http://alertmanager.example.com",
    "alerts": [{"status": "'"$1"'", "fingerprint": "'"$fingerprint"'", "startsAt": "'"$now"'", "endsAt": "'"$2"'",
      "labels": {"alertname": "RedisDown", "severity": "critical", "instance": "redis-persistent-03:9121"},
      "annotations": {"summary": "Persistent Redis node 03 is down"}, "generatorURL": ""}]}'
  echo
}

say '1. Alertmanager reports a critical alert'
alert firing 0001-01-01T00:00:00Z

say '2. An incident is open, and a workflow run has started'
incident='query ($number: String!) { incident(number: $number) {
  id number title priority state alerts { status } configurationItems { nodes { name } }
  suggestedRunbooks { rank heading document { key } }
  similarIncidents(first: 1) { resolution incident { number title } } summary { text }
  workflowRuns { nodes { id number state requestedBy workflow { key }
    blastRadius { total critical }
    stepRuns { state step { key kind } } } } } }'
wait_until "$fingerprint" data.incidents.nodes.0.alerts.0.fingerprint \
  'query { incidents(first: 1, orderBy: { field: OPENED_AT, direction: DESC }) { nodes { number alerts { fingerprint } } } }' '{}'
number=$(printf %s "$answer" | at data.incidents.nodes.0.number)
it='{"number": "'$number'"}'
wait_until WAITING data.incident.workflowRuns.nodes.0.state "$incident" "$it"
printf %s "$answer" | "$python" -m json.tool

say '3. A person approves the step, here or in GraphiQL'
run=$(printf %s "$answer" | at data.incident.workflowRuns.nodes.0.id)
run_number=$(printf %s "$answer" | at data.incident.workflowRuns.nodes.0.number)
ask 'mutation ($input: ApproveWorkflowStepInput!) { approveWorkflowStep(input: $input) {
  workflowRun { number state stepRuns { state step { key } approvals { decision principal comment } } }
  userErrors { code field message } } }' '{"input": {"runId": "'"$run"'", "step": "agree", "comment": "Go ahead."}}' |
  "$python" -m json.tool

say '4. The message is on the P1 queue'
message=
for _ in $(seq 60); do
  message=$($stackflow queues show remediation-p1 --json | grep "\"$run_number\"" || true)
  if [ -n "$message" ]; then break; fi
  sleep 0.5
done
printf %s "$message" | "$python" -m json.tool

say '5. The executor restarts the server and reports the result'
curl --silent --show-error --fail-with-body "$url/events" --header 'content-type: application/cloudevents+json' --data '{
  "specversion": "1.0", "id": "'"$fingerprint"'", "source": "/runner", "type": "io.stackflow.workflow.step.finished",
  "time": "'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'",
  "data": {"id": "'"$(printf %s "$message" | at body.id)"'", "state": "SUCCEEDED", "outcome": {"restarted": "redis-persistent-03"}}}'
echo
wait_until SUCCEEDED data.incident.workflowRuns.nodes.0.state "$incident" "$it"

say '6. The alert ends, and the incident is resolved'
alert resolved "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
wait_until RESOLVED data.incident.state "$incident" "$it"
ask 'query ($number: String!) { incident(number: $number) { number title state resolutionCode resolution
  activities { kind body } workflowRuns { nodes { number state stepRuns { state outcome step { key } } } } } }' "$it" |
  "$python" -m json.tool
$stackflow key revoke "alertmanager-$fingerprint"
