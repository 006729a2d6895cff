"""Commands of kg, run in the process of the tests: what a process of its own adds is seen in tests/test_cli.py."""

from __future__ import annotations

from collections.abc import Mapping

from typer.testing import CliRunner, Result

from kg.cli import app

__all__ = ["Result", "kg"]


def kg(*arguments: object, stdin: str = "", code: int = 0, env: Mapping[str, str] | None = None) -> Result:
    """What a command printed; it must end with that exit code, and a fault of the program is one of the test."""
    words = [str(argument) for argument in arguments]
    done = CliRunner(env=env).invoke(app, words, input=stdin, prog_name="kg", catch_exceptions=False)
    assert done.exit_code == code, f"kg {' '.join(words)}\n{done.output}"
    return done
