"""`python -m entrypoints.cli`, which is how `up` starts its children."""

from entrypoints.cli import main

main()
