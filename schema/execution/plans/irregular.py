"""Why graphql-core has to execute an operation."""


class Irregular(Exception):
    """A plan cannot express an operation, or met a value or an error that graphql-core must report.

    `reason` has few values, for a metric: never a value of the response.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
