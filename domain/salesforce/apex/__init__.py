"""Apex: code read, and what is wrong with it."""
