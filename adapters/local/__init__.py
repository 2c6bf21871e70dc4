"""Embedded PostgreSQL and Valkey, started and stopped with the process."""
