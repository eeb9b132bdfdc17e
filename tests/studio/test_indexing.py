"""The life of a job: begun, told of, ended well or badly, found again after a restart."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from assistant.errors import Conflict, NotFound
from assistant.studio.indexing import Job, Jobs

BY = "noor@shop.example"
PATIENCE_SECONDS = 20.0

READ_TASK = "import json, sys, time; task = json.loads(sys.stdin.readline())\n"
TELL = "def tell(**what): print(json.dumps(what), flush=True)\n"
DOES_IT = "tell(done=1, total=2, what='a.md'); tell(report={'task': task})\n"
WAITS = "tell(done=1, total=2, what='a.md'); sys.stdin.read(); tell(done=2, total=2, what='too late')\n"
REFUSES = "tell(error='Another reindex is running: wait until it has finished.')\n"
DIES = "tell(done=1, total=2, what='a.md'); sys.exit(3)\n"
CHATTERS = "print('not JSON', flush=True); tell(report={})\n"
DOES_MUCH = "tell(report={'text': 'x' * 1_000_000})\n"

MakeJobs = Callable[[str], Jobs]


@pytest.fixture
async def make_jobs(tmp_path: Path) -> AsyncIterator[MakeJobs]:
    """`make_jobs(script)`: jobs of which each runs this script, kept in one file over all of them."""
    made: list[Jobs] = []

    def make(script: str) -> Jobs:
        jobs = Jobs(tmp_path / "job.json", [sys.executable, "-c", READ_TASK + TELL + script])
        made.append(jobs)
        return jobs

    yield make
    for jobs in made:
        await jobs.close()


async def until(jobs: Jobs, wanted: Callable[[Job], bool]) -> Job:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            job = jobs.current()
            if job is not None and wanted(job):
                return job
            await asyncio.sleep(0.01)


async def ended(jobs: Jobs) -> Job:
    return await until(jobs, lambda job: job.state != "running")


async def test_a_job_is_begun_at_once_and_tells_what_came_of_it(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(DOES_IT)

    begun = await jobs.start("reindex", {"publish": False}, BY)
    done = await ended(jobs)

    assert (begun.state, begun.kind, begun.started_by, begun.report) == ("running", "reindex", BY, None)
    assert (done.id, done.state, done.error) == (begun.id, "done", None)
    assert done.report == {"task": {"kind": "reindex", "by": BY, "publish": False}}
    assert done.ended_at is not None


async def test_steps_are_told_while_it_works(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(WAITS)
    await jobs.start("reindex", {}, BY)

    job = await until(jobs, lambda job: job.done > 0)

    assert (job.state, job.what, job.done, job.total) == ("running", "a.md", 1, 2)


async def test_there_is_one_job_at_a_time(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(WAITS)
    await jobs.start("reindex", {}, BY)

    with pytest.raises(Conflict, match="documents are being read already"):
        await jobs.start("compare", {"release": 1, "against": None}, BY)


async def test_two_that_begin_at_the_same_moment_are_one(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(WAITS)

    begun = await asyncio.gather(*(jobs.start("reindex", {}, BY) for _ in range(5)), return_exceptions=True)

    assert sorted(type(one).__name__ for one in begun) == ["Conflict"] * 4 + ["Job"]


async def test_a_job_after_a_job_is_another(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(DOES_IT)
    first = await jobs.start("reindex", {}, BY)
    await ended(jobs)

    second = await jobs.start("reindex", {}, BY)

    assert second.id != first.id
    assert (await ended(jobs)).id == second.id


async def test_a_refusal_is_told_in_its_own_words(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(REFUSES)
    await jobs.start("reindex", {}, BY)

    job = await ended(jobs)

    assert (job.state, job.report) == ("failed", None)
    assert job.error == "Another reindex is running: wait until it has finished."


async def test_a_process_that_dies_is_a_failure_that_says_what_to_do(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(DIES)
    await jobs.start("reindex", {}, BY)

    job = await ended(jobs)

    assert job.state == "failed"
    assert "start it again" in str(job.error)


async def test_a_program_that_is_not_there_leaves_no_job_running(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "job.json", [str(tmp_path / "nothing")])

    with pytest.raises(OSError, match="nothing"):
        await jobs.start("reindex", {}, BY)

    job = jobs.current()
    assert job is not None
    assert job.state == "failed"


@pytest.mark.parametrize("script", [CHATTERS, DOES_MUCH], ids=["stray words", "a long report"])
async def test_what_is_written_otherwise_spoils_nothing(make_jobs: MakeJobs, script: str) -> None:
    jobs = make_jobs(script)
    await jobs.start("reindex", {}, BY)

    assert (await ended(jobs)).state == "done"


async def test_a_job_can_be_stopped(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(WAITS)
    begun = await jobs.start("reindex", {}, BY)
    await until(jobs, lambda job: job.done > 0)

    with pytest.raises(NotFound):
        await jobs.cancel("job_of_somebody_else")
    still = jobs.current()
    stopped = await jobs.cancel(begun.id)

    assert still is not None
    assert still.state == "running"
    assert (stopped.state, stopped.error) == ("failed", "It was stopped. Nothing has changed.")
    await jobs.start("reindex", {}, BY)  # and the next may begin


async def test_the_newest_job_outlives_a_restart(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(DOES_IT)
    await jobs.start("reindex", {}, BY)
    done = await ended(jobs)
    await jobs.close()

    assert make_jobs(DOES_IT).current() == done


async def test_a_job_cut_short_by_a_restart_says_so_and_may_begin_again(make_jobs: MakeJobs, tmp_path: Path) -> None:
    jobs = make_jobs(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(__import__('os').getpid()))\n" + WAITS)
    begun = await jobs.start("reindex", {}, BY)
    await until(jobs, lambda job: job.done > 0)
    await jobs.close()

    after = make_jobs(DOES_IT)
    cut = after.current()

    assert cut is not None
    assert (cut.id, cut.state) == (begun.id, "failed")
    assert "restarted" in str(cut.error)
    assert "start it again" in str(cut.error)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    await after.start("reindex", {}, BY)
    assert (await ended(after)).state == "done"


@pytest.mark.parametrize("kept", ["", "{", "[]", json.dumps({"id": "job_1", "unknown": True})])
async def test_a_damaged_memory_is_no_memory(make_jobs: MakeJobs, tmp_path: Path, kept: str) -> None:
    (tmp_path / "job.json").write_text(kept)

    jobs = make_jobs(DOES_IT)

    assert jobs.current() is None
    await jobs.start("reindex", {}, BY)
    assert (await ended(jobs)).state == "done"


async def test_the_next_job_is_not_taken_for_one_whose_process_is_slow_to_end(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(DOES_IT + "time.sleep(0.5)\n")
    await jobs.start("reindex", {}, BY)
    await ended(jobs)

    second = await jobs.start("compare", {}, BY)
    done = await ended(jobs)

    assert (done.id, done.state) == (second.id, "done")
