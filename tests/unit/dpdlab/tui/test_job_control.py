"""Who can bring a stopped process back."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASK = "from dpdlab.tui.job_control import can_be_resumed; print(can_be_resumed())"
# What a shell with job control does with each job (POSIX, tcsetpgrp): a group of its own.
AS_A_JOB = f"import os; os.setpgid(0, 0); {ASK}"


@pytest.mark.parametrize(("program", "told"), [(ASK, "False"), (AS_A_JOB, "True")])
def test_only_a_shell_with_job_control_brings_a_process_back(program: str, told: str):
    run = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -c '{program}'; true"],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
        timeout=60,
    )
    assert run.stdout.split() == [told], run.stderr
