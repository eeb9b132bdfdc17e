"""A task whose first step is taken at once rather than in the next turn of the event loop. Floor: use case.

Between two customers the loop's turn costs as much as a part of the step. Python 3.12 has `eager_start` for this, but a
TaskGroup takes it only from 3.14 on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

T = TypeVar("T")


def begin(group: asyncio.TaskGroup, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """The coroutine as a task of the group, having run up to where it first waits, or to its end.

    What it does until then is done as that task: `asyncio.timeout` and the like bind to it, not to the caller. The
    caller's own task is put aside by the calls that asyncio documents for other kinds of task ("Extending").
    """
    loop = asyncio.get_running_loop()
    begun = _Begun(coroutine)
    task = group.create_task(begun)
    caller = asyncio.current_task()
    if caller is not None:
        asyncio._leave_task(loop, caller)
    asyncio._enter_task(loop, task)
    try:
        begun.take_first_step()
    finally:
        asyncio._leave_task(loop, task)
        if caller is not None:
            asyncio._enter_task(loop, caller)
    return cast("asyncio.Task[T]", task)


class _Begun(Coroutine[Any, Any, Any]):
    """A coroutine that has been stepped once: the first `send` gives what that step gave."""

    __slots__ = ("_coroutine", "_first")

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self._first: tuple[Any, BaseException | None] | None = None

    def take_first_step(self) -> None:
        try:
            self._first = (self._coroutine.send(None), None)
        except BaseException as ended:  # StopIteration with the result, or what it raised: the task's, at its turn
            self._first = (None, ended)

    def send(self, value: Any) -> Any:
        if self._first is None:
            return self._coroutine.send(value)
        (waited_for, ended), self._first = self._first, None
        if ended is not None:
            raise ended
        return waited_for

    def throw(self, *error: Any) -> Any:
        self._first = None
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Any:
        return self
