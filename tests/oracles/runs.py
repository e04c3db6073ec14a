"""What a run must do, read off slowly: all that happened is kept, and each state is worked out from all of it."""

from datetime import datetime, timedelta

from resolvers.workflows.definition import Definition, Step

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


class Oracle:
    """A run of a definition whose conditions are the texts true, false and bad. Steps are told apart by key."""

    def __init__(self, definition: Definition, now: datetime) -> None:
        self.definition = definition
        self.now = now
        self.state = "RUNNING"
        # Attempts by step and number: state, and when it ends or begins by itself.
        self.attempts: dict[tuple[str, int], tuple[str, datetime | None]] = {}
        self.ended: dict[tuple[str, int], datetime] = {}
        self.begun: list[tuple[str, int]] = []
        self.ending = ""
        self.settle()

    def states(self) -> list[tuple[str, int, str]]:
        return [
            (step.key, number, self.attempts[step.key, number][0])
            for step in self.definition.steps
            for number in range(1, 9)
            if (step.key, number) in self.attempts
        ]

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.settle()

    def done(self, key: str) -> None:
        self.ends(self.open(key), "SUCCEEDED")
        self.settle()

    def lost(self, key: str) -> None:
        self.fails(self.open(key))
        self.settle()

    def cancel(self) -> None:
        self.gives_up("CANCELLED")
        self.settle()

    def open(self, key: str) -> tuple[str, int]:
        [found] = [name for name, (state, _) in self.attempts.items() if name[0] == key and state in "RUNNING WAITING"]
        return found

    def step(self, key: str) -> Step:
        [found] = [step for step in self.definition.steps if step.key == key]
        return found

    def place(self, key: str) -> int:
        """The place of a step in the order of dependencies; steps that have none between them stand as listed."""
        placed: list[str] = []
        while key not in placed:
            placed.append(
                next(
                    step.key
                    for step in self.definition.steps
                    if step.key not in placed and set(step.depends_on) <= set(placed)
                )
            )
        return placed.index(key)

    def ends(self, name: tuple[str, int], state: str) -> None:
        self.attempts[name] = (state, None)
        self.ended[name] = self.now

    def fails(self, name: tuple[str, int]) -> None:
        self.ends(name, "FAILED")
        key, number = name
        retry = self.step(key).configuration.retry
        if number < retry.attempts:
            wait = timedelta(seconds=retry.backoff * 2 ** (number - 1))
            self.attempts[key, number + 1] = ("PENDING", self.now + wait)

    def begins(self, name: tuple[str, int]) -> None:
        step = self.step(name[0])
        if name[1] == 1 and step.configuration.when == "false":
            self.ends(name, "SKIPPED")
        elif name[1] == 1 and step.configuration.when == "bad":
            self.ends(name, "FAILED")
        else:
            self.begun.append(name)
            if step.kind == "NOTIFICATION":
                self.ends(name, "SUCCEEDED")
                return
            seconds = getattr(step.configuration, "seconds", step.configuration.timeout)
            until = None if seconds is None else self.now + timedelta(seconds=seconds)
            self.attempts[name] = ("RUNNING" if step.kind in ("WAIT", "REMEDIATION") else "WAITING", until)

    def last(self, key: str) -> str:
        found = [state for (other, _), (state, _) in sorted(self.attempts.items()) if other == key]
        return found[-1] if found else "NEVER"

    def gives_up(self, ending: str) -> None:
        for name, (state, _) in sorted(self.attempts.items()):
            if state in ("PENDING", "RUNNING", "WAITING"):
                self.ends(name, "CANCELLED")
        self.ending = ending
        self.state = "COMPENSATING"

    def settle(self) -> None:
        """One thing after the other, until nothing is left to do now."""
        while self.state not in ENDED and self.does_something():
            pass
        if self.state in ("RUNNING", "WAITING"):
            open_ = {state for state, _ in self.attempts.values()} & {"PENDING", "RUNNING"}
            self.state = "RUNNING" if open_ else "WAITING"

    def does_something(self) -> bool:
        due = sorted(
            (until, self.rank(name), name) for name, (_, until) in self.attempts.items() if until and until <= self.now
        )
        if due:
            name = due[0][2]
            if self.attempts[name][0] == "PENDING":
                self.begins(name)
            elif self.step(name[0]).kind == "WAIT":
                self.ends(name, "SUCCEEDED")
            else:
                self.fails(name)
            return True
        return self.undoes() if self.state == "COMPENSATING" else self.goes_on()

    def rank(self, name: tuple[str, int]) -> int:
        # Of two that are due in one moment, the one that came to be first.
        return list(self.attempts).index(name)

    def goes_on(self) -> bool:
        forward = [step for step in self.definition.steps if step.configuration.compensates is None]
        if any(self.last(step.key) == "FAILED" for step in forward):
            self.gives_up("FAILED")
            return True
        for step in forward:
            before = [self.last(key) in ("SUCCEEDED", "SKIPPED") for key in step.depends_on]
            if self.last(step.key) == "NEVER" and all(before):
                self.begins((step.key, 1))
                return True
        if all(self.last(step.key) in ("SUCCEEDED", "SKIPPED") for step in forward):
            self.state = "SUCCEEDED"
        return False

    def undoes(self) -> bool:
        # Of two that ended in one moment, the one that stands later in the order of dependencies is undone first.
        succeeded = sorted(
            ((self.ended[name], self.place(name[0]), name[0]) for name, (state, _) in self.attempts.items()
             if state == "SUCCEEDED" and self.step(name[0]).configuration.compensates is None),
            reverse=True,
        )  # fmt: skip
        for _, _, key in succeeded:
            for step in self.definition.steps:
                if step.configuration.compensates != key:
                    continue
                if self.last(step.key) == "NEVER":
                    self.begins((step.key, 1))
                    return True
                if self.last(step.key) in ("PENDING", "RUNNING", "WAITING"):
                    return False
        self.state = self.ending
        return False
