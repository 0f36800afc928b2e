"""The `zgpt` command. What it starts is in `serve`; commands for operators are `flask …`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from zgpt import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 ended as asked, 1 failed, 2 wrong settings or arguments."""
    parser = argparse.ArgumentParser(prog="zgpt", description="A self-hosted, real-time AI chat.")
    parser.add_argument("--version", action="version", version=f"Z-GPT {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    about = "migrate, then run the server and the built-in model until told to stop"
    commands.add_parser("serve", help=about, description=f"{about.capitalize()}. Settings: docs/configuration.md.")
    parser.parse_args(argv)

    from zgpt.serve.start import serve

    return serve()
