"""docker-compose.yml, as far as it can be held to the truth without an engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from app.role import Role
from app.settings import Settings

PROJECT = Path(__file__).parents[3]
FILES = [PROJECT / "docker-compose.yml", PROJECT / "deploy" / "docker-compose.roles.yml"]
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:?[-?])?([^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The main file, read as YAML with its anchors merged."""
    read: dict[str, Any] = yaml.safe_load(FILES[0].read_text())
    return read


def settings_variables(model: type[BaseModel] = Settings, prefix: str = "THRESHOLD_") -> set[str]:
    """Every environment variable that is a setting."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= settings_variables(field.annotation, f"{prefix}{name.upper()}__")
        else:
            found.add(f"{prefix}{name.upper()}")
    return found


def test_the_files_are_what_the_compose_specification_says() -> None:
    """Both files fit the schema of the Compose specification."""
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.compose-spec",
            *map(str, FILES),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_docker_itself_reads_them_where_it_is_installed(tmp_path: Path) -> None:
    """Compose resolves both files together, given the variables that .env.example asks for."""
    command = next(
        (found for found in (["docker", "compose"], ["docker-compose"]) if _is_compose_2(found)), None
    )
    if command is None:
        return  # the schema has been checked; nothing more can be said here
    environment = tmp_path / "env"
    example = (PROJECT / ".env.example").read_text()
    environment.write_text(re.sub(r"^(\w+)=$", r"\1=secret", example, flags=re.MULTILINE))
    files = [part for file in FILES for part in ("--file", str(file))]
    resolved = subprocess.run(
        [*command, "--env-file", str(environment), *files, "config"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert resolved.returncode == 0, resolved.stderr
    services = yaml.safe_load(resolved.stdout)["services"]
    published = {name for name, service in services.items() if service.get("ports")}
    assert published == {"broker", "threshold"}


def _is_compose_2(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    version = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
    return version.returncode == 0 and version.stdout.strip().lstrip("v") >= "2"


def test_every_variable_is_in_the_example() -> None:
    """Who copies .env.example sees each variable of the files, those without a default to be filled in."""
    example = (PROJECT / ".env.example").read_text()
    for file in FILES:
        for name, kind, _ in VARIABLE.findall(file.read_text()):
            line = rf"^{name}=$" if kind == ":?" else rf"^# {name}=.*$"
            assert re.search(line, example, re.MULTILINE), f"{name} of {file.name} is not in .env.example"


def test_every_setting_is_a_setting(compose: dict[str, Any]) -> None:
    """What the service is told by environment it knows, and so with what .env.example suggests."""
    told = {name for name in compose["x-service"]["environment"] if name.startswith("THRESHOLD_")}
    assert told <= settings_variables()
    suggested = set(
        re.findall(r"^(?:# )?(THRESHOLD_\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)
    )
    of_compose = {name for file in FILES for name, _, _ in VARIABLE.findall(file.read_text())}
    assert suggested <= settings_variables() | of_compose


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    """Each image has a version, so that two installations of one release are the same."""
    images = {service["image"] for service in compose["services"].values()}
    assert [image for image in images if not re.search(r":\d+\.\d+\.\d+", image)] == []


def test_only_what_is_guarded_is_published(compose: dict[str, Any]) -> None:
    """The outside reaches the broker's TLS listeners, this machine the console, and nobody anything else."""
    published = {
        name: service["ports"] for name, service in compose["services"].items() if "ports" in service
    }
    assert published == {
        "broker": [
            "${THRESHOLD_MQTTS_PORT:-8883}:8883",
            "${THRESHOLD_CERTIFICATE_PORT:-8884}:8884",
        ],
        "threshold": ["127.0.0.1:${THRESHOLD_PORT:-8470}:8470"],
    }


def test_what_is_mounted_and_waited_for_exists(compose: dict[str, Any]) -> None:
    """Each folder of the project that is mounted is there, and each volume and dependency is declared."""
    for name, service in compose["services"].items():
        for mount in service.get("volumes", []):
            source = VARIABLE.sub(lambda found: found[3], mount).split(":")[0]
            assert (PROJECT / source).is_dir() if source.startswith(".") else source in compose["volumes"], (
                name
            )
        for needed, condition in service.get("depends_on", {}).items():
            assert needed in compose["services"]
            healthy = condition["condition"] == "service_healthy"
            assert healthy == ("healthcheck" in compose["services"][needed])


def test_each_role_can_be_a_container() -> None:
    """The file of separate roles runs each role exactly once."""
    services = yaml.safe_load(FILES[1].read_text())["services"].values()
    assert sorted(role for service in services for role in service["command"][1:]) == sorted(Role)
    assert {service["command"][0] for service in services} == {"run"}


def test_the_image_installs_what_the_project_has() -> None:
    """What the Dockerfile copies and installs exists, under the number of the broker's user."""
    dockerfile = (PROJECT / "Dockerfile").read_text()
    for lock in re.findall(r"deploy/[\w-]+\.lock", dockerfile):
        assert (PROJECT / lock).is_file()
    ignored = (PROJECT / ".dockerignore").read_text().split()
    assert not {"deploy", "README.md", "LICENSE", "pyproject.toml"} & set(ignored)
