"""Children of `casepilot up` end when it ends, even if it was killed."""

import os
import signal
import threading
import time

CHECK_EVERY = 0.5
"""Seconds between looks at who our parent is."""


def die_with_parent(parent: int) -> None:
    """End this process once `parent` (a process id, 0 for nobody) is not its ancestor's id any more."""
    if parent:
        threading.Thread(target=_watch, args=(parent,), name="lifeline", daemon=True).start()


def _watch(parent: int) -> None:
    while alive(parent):
        time.sleep(CHECK_EVERY)
    os.kill(os.getpid(), signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether a process exists; one of another user counts as existing."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
