"""Rules that support managers own: facts, conditions, rule sets and their evaluation."""
