"""PostgreSQL: units of work, the two hot transactions, jobs, keys, migrations."""
