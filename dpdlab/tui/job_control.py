"""Whether a process that stops itself would ever go on."""

from __future__ import annotations

import os
from pathlib import Path


def can_be_resumed() -> bool:
    """Whether a shell with job control started this process, so that its `fg` brings it back.

    Such a shell gives each job a process group of its own, in the session that is the shell's
    (POSIX, 3.182 Job Control). True where nobody can tell.
    """
    group, session, pid = os.getpgrp(), os.getsid(0), os.getppid()
    while pid > 1:
        try:
            if os.getsid(pid) != session:
                return False
            if os.getpgid(pid) != group:
                return True
            # The name of a process may hold blanks and brackets; the parent is second behind it.
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return True
    return False
