"""fhir-kit-client, from npm, runs fhir_kit_scenario.mjs; needs Node.js 20 or newer."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.server import Server

SCENARIO = Path(__file__).with_name("fhir_kit_scenario.mjs")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scenario and the package beside it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js is missing: fhir-kit-client was NOT tried")
    folder = tmp_path_factory.mktemp("kit")
    packages = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "fhir-kit-client@2"]
    done = subprocess.run(packages, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    shutil.copy(SCENARIO, folder)
    return folder


@pytest.mark.node
def test_fhir_kit_client(server: Server, folder: Path) -> None:
    command = ["node", SCENARIO.name, server.base_url]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 6
