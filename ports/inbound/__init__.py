"""The use cases: one command in, one result out."""
