"""One module for one decision."""

from tests.architecture.sources import PACKAGES, modules, tracked_files

LONGEST = 350
"""Lines. Past it a module is split by decision, not by layer."""


def test_no_module_outgrows_its_decision() -> None:
    """No module of the product is longer than a reader can hold."""
    too_long = {
        module.place: lines
        for module in modules(*PACKAGES)
        if (lines := len(module.path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert too_long == {}


def test_no_room_is_a_lumber_room() -> None:
    """Nothing is called core, common, utils or helpers."""
    lumber = {"core", "common", "util", "utils", "helpers", "misc"}
    assert [str(path) for path in tracked_files() if lumber & {path.stem, *path.parent.parts}] == []
