"""The shape of the house: imports point down, decisions stay pure (docs/architecture.md)."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_layer_and_purity_contracts_hold():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_its_line_in_the_layer_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract for contract in contracts if contract["id"] == "layers")["layers"]
    named = {
        room.strip().strip("()") for line in layers for room in line.replace("|", ":").split(":")
    }
    rooms = {
        path.stem
        for path in (ROOT / "ingestd").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"__init__", "__main__"}
    assert rooms <= named, f"not in the layer contract: {sorted(rooms - named)}"
