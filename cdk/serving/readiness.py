"""What CodeDeploy calls before a new version of the API gets calls: it asks that version whether it is ready.

This file is a function's whole code, inside the template: it imports what Lambda's runtime has, and nothing of ours.
https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html#reference-appspec-file-structure-hooks-section-structure-lambda
"""

import json
import os
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# Six times, 10 s apart: a right may need some seconds until it holds, a store some until it wakes.
TRIES, PAUSE_SECONDS = 6, 10
PATH = "/health/ready"
# As a regional REST API gives it to its function.
EVENT = {
    "resource": PATH,
    "path": PATH,
    "httpMethod": "GET",
    "headers": {"accept": "application/json", "host": "rollout"},
    "multiValueHeaders": {"accept": ["application/json"], "host": ["rollout"]},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {"httpMethod": "GET", "path": PATH, "identity": {"sourceIp": "127.0.0.1"}},
    "body": None,
    "isBase64Encoded": False,
}


def handler(event: Any, _context: Any) -> None:
    """The Lambda entry for a lifecycle event of CodeDeploy. Without an answer the rollout waits for an hour."""
    status = "Failed"
    try:
        status = "Succeeded" if is_ready(os.environ["VERSION"]) else "Failed"
    finally:
        boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=status,
        )


def is_ready(version: str) -> bool:
    """Whether a version answers 200. What it answered else is a line of the log."""
    client = boto3.client("lambda", config=Config(read_timeout=35, retries={"total_max_attempts": 1}))
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE_SECONDS)
        try:
            reply = client.invoke(FunctionName=version, Payload=json.dumps(EVENT))
            answer = json.loads(reply["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            answer = str(error)
        else:
            if "FunctionError" not in reply and answer.get("statusCode") == 200:
                return True
        print(json.dumps({"level": "ERROR", "message": "the new version is not ready", "answer": answer}))
    return False
