"""Runs migrations on the connection that `adapters.postgres.migrate` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table="casepilot_migrations")
with context.begin_transaction():
    context.run_migrations()
