"""How much of a document is read; what is larger is refused, never cut."""

MAX_TEXT = 5_000_000
"""Bytes of a text, HTML, CSV or JSON file."""
MAX_BINARY = 50_000_000
"""Bytes of a PDF, a Word document or an archive."""
MAX_PAGES = 2_000
MAX_ROWS = 20_000
"""Questions with answers in one table."""
MAX_UNPACKED = 200_000_000
"""Bytes of all that an archive holds."""
MAX_ENTRIES = 5_000
MAX_RATIO = 200
"""Times that an archive's content may be larger than it; text rarely shrinks more than twentyfold."""
MAX_LINE = 1_000_000
"""Characters without any line break; more is no document that people wrote."""
