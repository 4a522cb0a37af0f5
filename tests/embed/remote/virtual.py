"""Time that passes only when somebody waits."""


class VirtualTime:
    """A clock in seconds, and the pause that moves it."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        assert seconds > 0
        self.pauses.append(seconds)
        self.now_s += seconds
