"""Runs trials side by side, and tells what is wrong about each."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.trials.losses import wrong_losses
from tests.trials.trial import Plan, plan, run
from tests.trials.truth import differences

_ADDRESSES = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}


def _tried(chosen: Plan, folder: Path) -> list[str]:
    place = folder / str(chosen.seed)
    place.mkdir(parents=True, exist_ok=True)
    run(chosen, place)
    addresses = _ADDRESSES[chosen.tunnel.ip_version]
    return [*differences(chosen, place, addresses), *wrong_losses(chosen, place, addresses)]


def main() -> int:
    """The exit code: whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=8)
    parser.add_argument("--seed", type=int, default=1, help="of the first one")
    parser.add_argument("--jobs", type=int, default=4, help="how many at once")
    parser.add_argument("--folder", type=Path, default=Path("trials"), help="what they leave")
    options = parser.parse_args()
    plans = [plan(seed) for seed in range(options.seed, options.seed + options.count)]
    wrong = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        results = [(each, pool.submit(_tried, each, options.folder)) for each in plans]
        for each, result in results:
            found = result.result()
            wrong += bool(found)
            print(each, *(f"\n    {sentence}" for sentence in found), sep="", flush=True)
    print(f"{len(plans)} trials, {wrong} of them told wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
