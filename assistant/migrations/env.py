"""What Alembic runs: inside the caller's transaction, or as SQL text for a database it cannot reach. Floor: store."""

from __future__ import annotations

from alembic import context

from assistant.migrations.tables import all_metadata

DEFAULT_OFFLINE_DIALECT = "postgresql"


def render() -> None:
    """Writes the SQL of an upgrade instead of running it (`command.upgrade(config, "head", sql=True)`)."""
    dialect = context.config.get_main_option("dialect", DEFAULT_OFFLINE_DIALECT)
    context.configure(dialect_name=dialect, target_metadata=all_metadata(), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    """Runs the migrations on the connection that `assistant.database.upgrade` passes; the caller commits."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=all_metadata(),
        transactional_ddl=True,
        render_as_batch=True,
    )
    context.run_migrations()


if context.is_offline_mode():
    render()
else:
    run()
