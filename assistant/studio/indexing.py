"""The studio's long work: one job at a time, in a process of its own, niced. Floor: use case; `app.py` names it.

Answers stay quick because nothing of it runs here: the child reads, embeds and compares, and tells of it line by line
on its standard output. Its standard input is its lifeline: it ends when this process does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import structlog

from assistant.errors import Conflict, NotFound

logger = structlog.get_logger(__name__)

LINE_MAX_BYTES = 64 * 1024 * 1024  # a report is one line
STOPPING_SECONDS = 5.0

Process = subprocess.Popen[bytes]
JobKind = Literal["reindex", "compare"]
State = Literal["running", "done", "failed"]

AT_WORK = {"reindex": "The documents are being read", "compare": "Two releases are being compared"}
AGAIN = {"reindex": "start it again: what was embedded already is not embedded twice", "compare": "start it again"}


@dataclass(frozen=True, slots=True)
class Job:
    """One run as the studio shows it. `done` of `total` steps of `what`; `report` once done, `error` once failed.

    `task` is what it was asked to do: `publish` of a reindex, `release` and `against` of a comparison.
    """

    id: str
    kind: JobKind
    state: State
    what: str
    done: int
    total: int
    started_at: str  # RFC 3339
    started_by: str  # an agent's e-mail address
    ended_at: str | None = None
    report: dict[str, Any] | None = None
    error: str | None = None
    task: Mapping[str, Any] = field(default_factory=dict)


class Jobs:
    """Starts jobs and tells of the newest. Belongs to one event loop.

    Args:
        file: where the newest job is kept, so that it outlives a restart.
        command: the process that does the work: it reads one JSON line, the task, and writes JSON lines:
            `{"done", "total", "what"}` while it works, at last `{"report"}` or `{"error"}`.
        environment: what that process is given besides this one's environment.
    """

    def __init__(self, file: Path, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._file = file
        self._command = tuple(command)
        self._environment = dict(environment or {})
        self._job = _load(file)
        self._process: Process | None = None
        self._following: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._listening = ThreadPoolExecutor(1, thread_name_prefix="job")

    def current(self) -> Job | None:
        """The job that runs, or the one that ended last; None before the first."""
        return self._job

    async def start(self, kind: JobKind, task: Mapping[str, Any], by: str) -> Job:
        """Begins a job; returns at once.

        Raises:
            Conflict: another one is running.
        """
        async with self._starting:
            if self._job is not None and self._job.state == "running":
                raise Conflict(f"{AT_WORK[self._job.kind]} already: wait until that has ended.")
            if self._following is not None:
                await asyncio.wait(
                    [self._following]
                )  # a job is done with its last line; its process ends a moment later
            job = Job(f"job_{secrets.token_hex(8)}", kind, "running", "starting", 0, 0, _now(), by, task=dict(task))
            await self._keep(job)
            try:
                order = json.dumps({"kind": kind, "by": by, **task})
                process = await asyncio.to_thread(_open, self._command, self._environment, order)
            except OSError as error:
                await self._keep(_failed(job, f"The server cannot start another process ({error.strerror})."))
                raise
            self._process = process
            self._following = asyncio.create_task(self._follow(process), name=job.id)
            logger.info("studio.job_started", job=job.id, kind=kind, by=by)
            return job

    async def cancel(self, job_id: str) -> Job:
        """Ends this job, if it still runs; the newest job as it is then. What serves goes on serving.

        Raises:
            NotFound: this is not the newest job; no other is known.
        """
        job, process = self._job, self._process
        if job is None or job.id != job_id:
            raise NotFound("There is no such job. Only the one that runs, or ended last, is known.")
        if job.state == "running" and process is not None:
            await self._keep(_failed(job, "It was stopped. Nothing has changed."))
            await _end(process)
        return self._job or job

    async def close(self) -> None:
        """Ends the running job with the server: the next one tells that it was cut short."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if self._process is not None:
            await _end(self._process)
        self._listening.shutdown(wait=False)

    async def _follow(self, process: Process) -> None:
        assert process.stdout is not None
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(self._listening, process.stdout.readline, LINE_MAX_BYTES):
            await self._hear(line)
        await _end(process)
        if self._job is not None and self._job.state == "running":
            logger.error("studio.job_died", job=self._job.id, exit_code=process.returncode)
            end = "It ended in the middle; the server's log may say why"
            await self._keep(_failed(self._job, f"{end}. Nothing has changed: {AGAIN[self._job.kind]}."))

    async def _hear(self, line: bytes) -> None:
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            logger.warning("studio.job_garbled")
            return
        job = self._job
        if job is None or job.state != "running":
            return
        if "report" in said:
            done = replace(job, state="done", what="done", done=job.total, report=said["report"], ended_at=_now())
            await self._keep(done)
            logger.info("studio.job_done", job=job.id, kind=job.kind)
        elif "error" in said:
            await self._keep(_failed(job, str(said["error"])))
            logger.warning("studio.job_failed", job=job.id, kind=job.kind, reason=said["error"])
        else:
            self._job = replace(job, what=str(said["what"]), done=int(said["done"]), total=int(said["total"]))

    async def _keep(self, job: Job) -> None:
        await asyncio.to_thread(_save, self._file, job)  # what is told has been kept
        self._job = job


def _failed(job: Job, error: str) -> Job:
    return replace(job, state="failed", error=error, ended_at=_now())


def _open(command: Sequence[str], environment: Mapping[str, str], order: str) -> Process:
    """Starts the process and hands it its task.

    Not by the event loop: uvloop forks, and a fork waits for the linear algebra that searches do in other threads,
    which can wait for the fork. With `close_fds=False` it is posix_spawn, which waits for nobody; our files close.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        close_fds=False,
    )
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has ended already, which is told by its last line
        process.stdin.write(order.encode() + b"\n")
        process.stdin.flush()
    return process


async def _end(process: Process) -> None:
    """Lets the lifeline go and waits; a process that stays is killed."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        await asyncio.to_thread(process.wait, STOPPING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)


def _load(file: Path) -> Job | None:
    """The newest job of an earlier start; one that was running then was cut short."""
    try:
        job = Job(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if job.state != "running":
        return job
    return replace(
        job, state="failed", error=f"The server was restarted meanwhile. Nothing has changed: {AGAIN[job.kind]}."
    )


def _save(file: Path, job: Job) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(f".{secrets.token_hex(4)}")
    beside.write_text(json.dumps(asdict(job), ensure_ascii=False), encoding="utf-8")
    beside.replace(file)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
