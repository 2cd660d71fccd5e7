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


#: Where shells look for what an administrator has installed for all users.
PLACES: Final = {
    "bash": "/usr/local/share/bash-completion/completions/ingestd",
    "zsh": "/usr/local/share/zsh/site-functions/_ingestd",
    "fish": "/usr/local/share/fish/vendor_completions.d/ingestd.fish",
}


def script(shell: str, root: click.Command) -> str:
    """The script for a shell; it asks the command itself for what can come next."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has these three
    return found(root, {}, "ingestd", "_INGESTD_COMPLETE").source()


@click.command(epilog=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands and options."""
    click.echo(script(shell, ctx.find_root().command))
