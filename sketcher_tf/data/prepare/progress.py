"""How far a preparation is: a bar in a terminal, else a line now and then."""

import logging
import time
from types import TracebackType

import rich
from rich import progress

_EVERY_S = 15.0  # between two lines


class Progress:
    """Counts what is done and tells the rate and the time left.

    Args:
        title: what is being done.
        total: the size of all of it, in any unit.
    """

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self.done = self.drawings = 0
        self.started = self.reported = time.monotonic()
        console = rich.get_console()
        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(title, total=total, rate="")

    def __enter__(self) -> "Progress":
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def skip(self, size: int) -> None:
        """Counts a part that was there before, which says nothing of speed."""
        self.total -= size
        self.bar.update(self.task, total=self.total)

    def advance(self, size: int, drawings: int = 0) -> None:
        """Counts a part that is done now."""
        self.done += size
        self.drawings += drawings
        now = time.monotonic()
        rate = f"{self.drawings / (now - self.started):,.0f} drawings/s"
        rate *= self.drawings > 0
        self.bar.update(self.task, completed=self.done, rate=rate)
        if self.bar.disable and now - self.reported > _EVERY_S:
            self.reported = now
            left = (now - self.started) * (self.total / self.done - 1)
            logging.info(
                "%s: %d %%, %s, %d s left",
                *(self.title, 100 * self.done / self.total, rate, left),
            )
