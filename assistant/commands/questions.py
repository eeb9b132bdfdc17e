"""`tellonce knowledge questions`: what is asked again before a release, listed, read from files, written to one.

Floor: door. `commands/knowledge.py` adds it; the shape of the files is that of `evals/cases`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands.terminal import JsonFlag, fail, out, print_json
from assistant.errors import BadFrame

if TYPE_CHECKING:
    from assistant.studio.saved_questions import SavedQuestion, SavedQuestions

FILE_MAX_BYTES = 10_000_000
NONE_SAVED = "No question is saved yet: save one in the studio, or with `tellonce knowledge questions import FILE`."

app = typer.Typer(invoke_without_command=True)


@app.callback()
def list_questions(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Shows the questions that are asked again before every release.

    Example: tellonce knowledge questions
    """
    if context.invoked_subcommand is not None:
        return
    listed = _open_questions().list_all()
    if as_json:
        _print_json(listed)
        return
    for one in listed:
        source = f" ({one.imported_from})" if one.imported_from else ""
        out.print(f"{one.id}: {one.question}{source}", markup=False, highlight=False, soft_wrap=True)
    if not listed:
        out.print(NONE_SAVED, soft_wrap=True)


@app.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Written conversations, as YAML.")],
    as_json: JsonFlag = False,
) -> None:
    """Saves the questions of written conversations, in place of what the same file brought before.

    Example: tellonce knowledge questions import evals/cases/*.yaml
    """
    texts = [(file, _read(file)) for file in files]
    saved, read = _open_questions(), []
    for file, text in texts:
        try:
            read += saved.import_yaml(text, "command", file.name)
        except BadFrame as error:
            raise fail(f"{file}: {error}") from error
    if as_json:
        _print_json(read)
    else:
        named = ", ".join(str(file) for file in files)
        out.print(f"Saved {len(read)} questions of {named}.", soft_wrap=True, highlight=False, markup=False)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write them.")],
    as_json: JsonFlag = False,
) -> None:
    """Writes the saved questions as a file of written conversations, which the evaluations run.

    Example: tellonce knowledge questions export saved.yaml
    """
    saved = _open_questions()
    text = saved.as_yaml()
    if not text:
        raise fail(NONE_SAVED)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from error
    listed = saved.list_all()
    if as_json:
        _print_json(listed)
    else:
        out.print(f"Wrote {len(listed)} questions to {file}.", soft_wrap=True, highlight=False, markup=False)


def _open_questions() -> SavedQuestions:
    from assistant.app import open_engine
    from assistant.settings import load_settings
    from assistant.studio.saved_questions import SavedQuestions

    return SavedQuestions(open_engine(load_settings()))


def _print_json(questions: list[SavedQuestion]) -> None:
    print_json({"questions": [one.as_data() for one in questions]})


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > FILE_MAX_BYTES:
            raise fail(f"{file} is larger than {FILE_MAX_BYTES // 1_000_000} MB: split it.")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise fail(f"{file} is not UTF-8 text: save it as that.") from error
