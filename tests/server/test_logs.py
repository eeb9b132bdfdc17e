"""What the server's log never holds: customers' words, whatever fails and however it is printed."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from assistant import database

FAILING = """
import sys, structlog
from assistant.server.logs import set_up_logging
from assistant.settings import load_settings

set_up_logging(load_settings(log_format=sys.argv[1], identity_secret="s" * 40))

def take(words):
    token = "ey" + "J0b2tlbg"
    raise RuntimeError("no room for this")

try:
    take("my card is " + "4111 1111")
except RuntimeError:
    structlog.get_logger("door").exception("door.failed", conversation="c1")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_tells_where_and_never_what_was_said(form):
    run = subprocess.run([sys.executable, "-c", FAILING, form], capture_output=True, text=True, check=True, timeout=60)

    assert "door.failed" in run.stderr
    assert "no room for this" in run.stderr
    assert "in take" in run.stderr
    assert "4111 1111" not in run.stderr
    assert "eyJ0b2tlbg" not in run.stderr
    assert run.stdout == ""


def test_a_failing_statement_is_told_without_what_it_was_to_write(tmp_path):
    engine = database.open_engine(tmp_path / "some.db")
    with pytest.raises(exc.OperationalError) as failed, engine.connect() as connection:
        connection.execute(sa.text("INSERT INTO nowhere VALUES (:words)"), {"words": "my card is 4111"})

    assert "nowhere" in str(failed.value)
    assert "4111" not in str(failed.value)
