"""A task begun at once: its first step is taken by the time `begin` returns, and is the task's own."""

from __future__ import annotations

import asyncio

import pytest

from assistant.turn.eager import begin


async def test_the_first_step_is_taken_at_once_and_the_rest_later() -> None:
    seen: list[str] = []

    async def work() -> str:
        seen.append("first")
        await asyncio.sleep(0)
        seen.append("second")
        return "done"

    async with asyncio.TaskGroup() as group:
        task = begin(group, work())
        assert seen == ["first"]
        assert await task == "done"
    assert seen == ["first", "second"]


async def test_who_never_waits_is_done_in_the_first_step() -> None:
    async def work() -> int:
        return 7

    async with asyncio.TaskGroup() as group:
        assert await begin(group, work()) == 7


async def test_a_timeout_begun_in_the_first_step_ends_the_task_and_not_its_caller() -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)
        except TimeoutError:
            return "late"
        return "in time"

    async with asyncio.TaskGroup() as group:
        caller = asyncio.current_task()
        task = begin(group, work())
        assert asyncio.current_task() is caller
        assert await task == "late"
        assert caller is not None
        assert caller.cancelling() == 0


async def test_what_the_first_step_raises_is_the_tasks() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ExceptionGroup) as failure:
        async with asyncio.TaskGroup() as group:
            begin(group, work())
    assert isinstance(failure.value.exceptions[0], ValueError)


async def test_cancelled_before_its_second_step_it_cleans_up() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            seen.append("cleaned")

    async with asyncio.TaskGroup() as group:
        task = begin(group, work())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen == ["cleaned"]
