"""Background workers and AWS Lambda handlers: events, projection, workflow runs, migrations, and the API."""
