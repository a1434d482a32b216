"""docs/simulation.md and the program tell the same."""

import re
from pathlib import Path

from device_sim.scenario import VERBS, load_scenario, names, parse_scenario

PAGE = (Path(__file__).parents[3] / "docs" / "simulation.md").read_text(encoding="utf-8")


def test_the_page_lists_every_scenario_with_its_title() -> None:
    """A scenario that comes along is on the page, word for word, and no other is."""
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.split("| option")[0], flags=re.MULTILINE))
    assert listed == {name: load_scenario(name).title for name in names()}


def test_the_page_lists_every_verb() -> None:
    """What a scenario may have a home do is on the page, and nothing else is."""
    table = PAGE.split("| verb | with | event |")[1].split("\n\n")[0]
    firsts = " ".join(line.split("|")[1] for line in table.splitlines()[2:])
    assert set(re.findall(r"`(\w+)`", firsts)) == VERBS


def test_the_example_on_the_page_is_a_scenario() -> None:
    """Whoever copies it can play it."""
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(parse_scenario("example", example).steps) == 4
