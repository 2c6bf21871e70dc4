"""The pure core: what Casepilot decides, without I/O, clock, randomness, logging or async."""
