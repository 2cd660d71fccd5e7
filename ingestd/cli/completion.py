"""`completion`: the script by which a shell completes commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from ingestd.cli.options import common_options

_HELP: Final = """\b
bash   ingestd completion bash | sudo tee /etc/bash_completion.d/ingestd
zsh    ingestd completion zsh | sudo tee /usr/local/share/zsh/site-functions/_ingestd
fish   ingestd completion fish > ~/.config/fish/completions/ingestd.fish
"""


@click.command(epilog=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands and options."""
    root = ctx.find_root()
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has these three
    click.echo(found(root.command, {}, "ingestd", "_INGESTD_COMPLETE").source())
