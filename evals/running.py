"""Which suites a run has, and running them: written ones, saved ones and data sets, beside what was before.

Floor: use case. The command in `assistant/commands/evals.py` is its door.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import TellonceError
from assistant.settings import Settings
from evals.accepted import (
    accepted_name,
    decide_regressions,
    earlier_of_accepted,
    load_accepted,
    save_accepted,
    summarise,
)
from evals.cases import (
    COMPANY_SUITES,
    DEMO_SUITE,
    HELD_OUT_SUITE,
    MalformedCases,
    Suite,
    Topic,
    bundled_names,
    load_suite,
)
from evals.earlier import Earlier, earlier_of
from evals.live import open_live
from evals.outcomes import Result, join_results
from evals.report import Judged
from evals.sets import Stage, check_limit, find_sets, is_set, run_set
from evals.suites import (
    World,
    check_customers,
    company_worlds,
    demo_world,
    in_service,
    own_world,
    prepare_world,
    run_suite,
)

SAVED_SUITE = "saved"
RELEASE_ONLY = "A data set has a corpus of its own and no releases: leave out --against and --release, or {name!r}."
COMPANIES_ALONE = (
    "Each company has documents of its own and no releases: leave out --against, --release and --knowledge, "
    "or {name!r}."
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run, as it was asked for. Paths and names as given; None and empty: not given."""

    names: tuple[str, ...] = ()
    data: Path | None = None  # a folder of data sets
    limit: int | None = None
    knowledge: tuple[Path, ...] = ()
    customers: Path | None = None
    against: int | None = None  # a release
    release: int | None = None  # the one to answer from, instead of the one in service

    @property
    def names_release(self) -> bool:
        """Whether it speaks of the knowledge of this installation."""
        return self.against is not None or self.release is not None

    @property
    def names_knowledge(self) -> bool:
        """Whether it says what is to be answered from."""
        return self.names_release or bool(self.knowledge)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run: written conversations in the worlds that they speak of, then data sets."""

    talks: tuple[tuple[World, tuple[Suite, ...]], ...]
    sets: tuple[Path, ...]


def make_plan(request: Request, settings: Settings) -> Plan:
    """Finds every suite that was named; without a name, the bundled ones and every data set of the data folder.

    What has documents of its own is left out of these where the request says what is to be answered from.

    Raises:
        TellonceError: a suite is not there, is spoilt, or does not go together with the rest.
    """
    check_limit(request.limit)
    companies = () if request.names_knowledge else tuple(COMPANY_SUITES)
    names = request.names or (DEMO_SUITE, HELD_OUT_SUITE, *companies)
    sets = [path for name in request.names if (path := _set_named(name, request.data))]
    if not request.names and request.data and not request.names_release:
        sets = find_sets(request.data)
    if sets and request.names_release:
        raise TellonceError(RELEASE_ONLY.format(name=sets[0].name))
    talks: dict[str, tuple[World, list[Suite]]] = {}
    for name in dict.fromkeys(names):
        if _set_named(name, request.data):
            continue
        for world, suite in _suites_named(name, request, settings):
            check_customers(suite, world)
            talks.setdefault(world.name, (world, []))[1].append(suite)
    return Plan(tuple((world, tuple(suites)) for world, suites in talks.values()), tuple(dict.fromkeys(sets)))


def _set_named(name: str, data: Path | None) -> Path | None:
    candidates = [Path(name), *([data / name] if data else [])]
    return next((path for path in candidates if is_set(path)), None)


def _suites_named(name: str, request: Request, settings: Settings) -> list[tuple[World, Suite]]:
    if name not in COMPANY_SUITES:
        suite = load_saved(settings) if name == SAVED_SUITE else load_suite(name)
        return [(_world_of(name, request), suite)]
    if request.names_knowledge:
        raise TellonceError(COMPANIES_ALONE.format(name=name))
    return company_worlds(name)


def _world_of(name: str, request: Request) -> World:
    is_bundled = name in bundled_names()
    if request.names_release or (name == SAVED_SUITE and not request.knowledge):
        return in_service(request.customers, demo=is_bundled)
    return own_world(request.knowledge, request.customers) if request.knowledge else demo_world()


def load_saved(settings: Settings) -> Suite:
    """The questions that were saved in the studio, or by one click from a conversation.

    Raises:
        MalformedCases: none is saved.
    """
    from assistant.app import open_engine
    from assistant.studio.saved_questions import SavedQuestions

    content = SavedQuestions(open_engine(settings)).as_topic()
    if not content["cases"]:
        raise MalformedCases("No question is saved yet. Save one in the studio, or name a suite of written cases.")
    return Suite(SAVED_SUITE, Topic.model_validate(content).cases)


# --- running ---


async def run_plan(plan: Plan, request: Request, settings: Settings, stage: Stage) -> list[Judged]:
    """Every suite of the plan, one after the other; with `against`, written ones at that release first."""
    now: list[Result] = []
    earlier: list[Result] = []
    for world, suites in plan.talks:
        with stage(f"{world.name}: indexing") as step:
            prepared = prepare_world(world, settings, step)
        if request.against is not None:
            earlier += await _talk(suites, prepared, world, stage, request.against)
        now += await _talk(suites, prepared, world, stage, request.release)
    before = join_results(earlier)
    judged = [_beside(result, before.get(name), request) for name, result in join_results(now).items()]
    for folder in plan.sets:
        judged.append(Judged(await run_set(folder, settings, stage, request.limit)))
    return judged


async def _talk(
    suites: Iterable[Suite], prepared: Settings, world: World, stage: Stage, release: int | None = None
) -> list[Result]:
    async with open_live(prepared, world.customers, release=release) as live:
        results = []
        for suite in suites:
            about = f", {world.name}" if suite.name in COMPANY_SUITES else ""
            at = f" at release {release}" if release is not None else ""
            with stage(f"{suite.name}{about}{at}: talking") as step:
                results.append(await run_suite(suite, live, step))
        return results


def _beside(result: Result, before: Result | None, request: Request) -> Judged:
    if before is None:
        return Judged(result, is_of_a_release=request.names_release)
    worse = tuple(decide_regressions(result, summarise(before)))
    return Judged(result, worse=worse, before=earlier_of(before, f"release {request.against}"), is_of_a_release=True)


def hold_against(judged: Judged, accepted_folder: Path, earlier: dict[str, Earlier]) -> Judged:
    """The run beside the accepted one of its suite, and its questions beside those of an earlier file if it has them.

    A run at or beside a release stands as it is: the accepted one spoke of other knowledge.
    """
    if judged.before is not None or judged.is_of_a_release:
        return judged
    result = judged.result
    accepted = load_accepted(accepted_name(result), accepted_folder)
    known = earlier_of_accepted(result, accepted) if accepted else None
    before = earlier.get(result.suite) or known
    note = ""
    if accepted and known and not known.figures:
        note = "The accepted run was of other data, so that nothing is compared."
    return Judged(
        result,
        accepted=dict(known.figures) if known else {},
        worse=tuple(decide_regressions(result, accepted)) if accepted else (),
        before=before if before and before.sides else None,
        note=note,
    )


def accept(runs: Sequence[Judged], folder: Path) -> list[Path]:
    """Keeps these runs for later ones to be held against.

    Raises:
        TellonceError: one of them is a sample, or of a release.
    """
    if any(run.is_of_a_release for run in runs):
        raise TellonceError("A run of a release cannot be accepted. Run the suite without --against and --release.")
    return [save_accepted(run.result, folder) for run in runs]
