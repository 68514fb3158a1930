"""`python -m dpdlab`: the same as the `dpdlab` command.

`main` explains an `analyzers` package in the current directory that would be taken for ours.
"""

from __future__ import annotations

import sys

from dpdlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
