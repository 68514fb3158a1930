"""The README's promises: the two commands are in it, and what it tells people to type exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.is_file(), reason="there is no README.md yet")

CONSOLE_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Where one simple command of a line ends and the next one, or a redirection, begins.
OPERATORS = frozenset({"|", "||", "&&", ";", "&", ">", ">>", "<", "2>"})


def commands_of(text: str) -> list[list[str]]:
    """The words of each command in the text's console blocks: lines that start with `$ `."""
    found: list[list[str]] = []
    for block in CONSOLE_BLOCK.findall(text):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            if line.startswith("$ "):
                lexer = shlex.shlex(line[2:], posix=True, punctuation_chars=True)
                lexer.whitespace_split = True
                lexer.commenters = "#"
                found.append(list(lexer))
    return found


def simple_commands(text: str) -> list[list[str]]:
    """The commands of pipelines and lists, one by one."""
    simple: list[list[str]] = []
    for words in commands_of(text):
        current: list[str] = []
        for word in words:
            if word in OPERATORS:
                simple.append(current)
                current = []
            else:
                current.append(word)
        simple.append(current)
    return [command for command in simple if command]


def documents() -> list[Path]:
    return [README, *sorted((ROOT / "sample_pcaps").rglob("README.md"))]


def test_the_two_commands_are_named() -> None:
    text = README.read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.parent.name)
def test_what_commands_name_exists(path: Path) -> None:
    """Quotes balance, make targets are in the Makefile, and named samples are there."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for words in simple_commands(path.read_text(encoding="utf-8")):
        if words[0] == "make":
            for target in words[1:]:
                assert "=" in target or re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)
        for word in words:
            if word.startswith("sample_pcaps/") and "*" not in word:
                assert (ROOT / word).exists(), word


@pytest.mark.skipif(
    importlib.util.find_spec("dpdlab.__main__") is None, reason="there is no command line yet"
)
def test_the_subcommands_exist() -> None:
    subcommands = {
        words[1]
        for path in documents()
        for words in simple_commands(path.read_text(encoding="utf-8"))
        if words[0] == "dpdlab" and len(words) > 1 and words[1].isalpha()
    }
    assert "report" in subcommands
    for name in sorted(subcommands):
        done = subprocess.run(
            [sys.executable, "-m", "dpdlab", name, "--help"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, (name, done.stderr)


EXAMPLE = re.compile(r"^<!-- example: (.*?) -->\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_example_is_what_the_command_prints() -> None:
    """To renew it: paste what the command prints with its output in a pipe."""
    ((command, shown),) = EXAMPLE.findall(README.read_text(encoding="utf-8"))
    words = shlex.split(command)
    assert words.pop(0) == "dpdlab"
    run = subprocess.run(
        [sys.executable, "-m", "dpdlab", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert run.stdout == shown
