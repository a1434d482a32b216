"""The community edition of TimescaleDB, in the WebAssembly build that npm has (one connection, in Node)."""

import json
import os
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from db.migrate import Edition, migration_files, wanted_by

HERE = Path(__file__).parents[2] / "support" / "community"
CACHE = Path(os.environ.get("THRESHOLD_CACHE", "/var/cache/threshold")) / "community"


@pytest.mark.timescale
def test_community_edition_compresses_and_drops_by_policy() -> None:
    """Every migration runs, old chunks compress, and the retention policy follows the setting."""
    node = shutil.which("node")
    if node is None or not (CACHE / "node_modules").is_dir():
        missing = "no Node.js with the WebAssembly TimescaleDB here: run scripts/provision"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    wanted = [
        {"name": name, "sql": files("db").joinpath("migrations", name).read_text(encoding="utf-8")}
        for name in migration_files()
        if wanted_by(name, Edition.COMMUNITY)
    ]
    done = subprocess.run(
        [node, str(HERE / "migrate.mjs"), str(CACHE)],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "licence": "timescale",
        "jobs": [
            {"job": "policy_compression", "drop_after": None, "compress_after": "7 days"},
            {"job": "policy_retention", "drop_after": "90 days", "compress_after": None},
        ],
        "compressed": 54,
        "events": 61 * 24,
        "visibleToNobody": 0,
    }
