"""Starter knowledge, intents, rules and texts: data files and their validating loader."""
