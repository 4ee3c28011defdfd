"""What the image and the compose file say, against what there is: files, options, ports, package data."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from qwen3tts.cli.main import app

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
BUILT = [name for name, service in COMPOSE["services"].items() if "build" in service]


def instructions(name: str) -> Iterator[str]:
    """The arguments of each instruction of this name in the Dockerfile, on one line each."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.startswith(f"{name} "):
            yield " ".join(line.split()[1:])


def image_command() -> list[str]:
    """What a container runs unless told otherwise."""
    (entrypoint,), (command,) = list(instructions("ENTRYPOINT")), list(instructions("CMD"))
    assert json.loads(entrypoint) == ["qwen3tts"]
    return json.loads(command)


def served(command: list[str]) -> dict[str, Any]:
    """The options of `qwen3tts serve` as it reads them, without running it. Raises what wrong use raises."""
    assert command[0] == "serve"
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    return serve.make_context("serve", command[1:]).params


def copied() -> list[str]:
    """What the image takes from this folder."""
    sources = [word for text in instructions("COPY") if "--from" not in text for word in shlex.split(text)[:-1]]
    mounts = [re.search(r"source=([^,\s]+)", mount) for text in instructions("RUN") for mount in re.findall(r"--mount=\S+", text)]
    return sources + [mount[1] for mount in mounts if mount and not mount[1].startswith("/")]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied()) == kept
    assert not [name for name in kept if not (ROOT / name).exists()]


def test_the_image_builds_from_all_that_setup_reads() -> None:
    setup = ast.parse((ROOT / "setup.py").read_text())
    folders = next(
        ast.literal_eval(node.value)
        for node in setup.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PACKAGE_DIR"
    )
    assert {"csrc", "setup.py", "pyproject.toml", *folders.values()} <= set(copied())


def test_every_file_of_the_package_is_in_the_wheel() -> None:
    setup = ast.parse((ROOT / "setup.py").read_text())
    (data,) = [
        ast.literal_eval(keyword.value)
        for node in ast.walk(setup)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "package_data"
    ]
    package = ROOT / "qwen3tts"
    files = [path.relative_to(package) for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    others = [path for path in files if path.suffix not in (".py", ".so")]
    patterns = [pattern.replace("**", "*") for pattern in data["qwen3tts"]]
    assert not [str(path) for path in others if not any(fnmatch(str(path), pattern) for pattern in patterns)]


def test_the_image_serves_to_the_outside_and_ends_on_sigterm() -> None:
    options = served(image_command())
    ports = {options["http_addr"].rpartition(":")[2], options["grpc_addr"].rpartition(":")[2]}
    assert options["http_addr"].startswith("0.0.0.0:") and options["grpc_addr"].startswith("0.0.0.0:")
    assert {port for text in instructions("EXPOSE") for port in text.split()} == ports == {"8080", "50051"}
    assert list(instructions("STOPSIGNAL")) == ["SIGTERM"]
    (check,) = instructions("HEALTHCHECK")
    assert f"127.0.0.1:{options['http_addr'].rpartition(':')[2]}/healthz" in check


def test_the_image_runs_as_nobody_special() -> None:
    (user,) = instructions("USER")
    assert int(user) >= 1000
    (volumes,) = instructions("VOLUME")
    made = next(text for text in instructions("RUN") if "useradd" in text)
    assert f"--uid {user}" in made
    assert all(folder in made for folder in json.loads(volumes))


@pytest.mark.parametrize("name", BUILT)
def test_a_service_runs_what_the_image_has(name: str) -> None:
    service = COMPOSE["services"][name]
    options = served(service["command"])
    backend = service["build"]["args"]["BACKEND"]
    assert (ROOT / "deploy" / service["build"]["context"] / service["build"]["dockerfile"]).samefile(DOCKERFILE)
    assert f"build-{backend}" in {text.split()[-1] for text in instructions("FROM")}
    assert options["device"] == {"cuda": "cuda", "cpu": "cpu"}[backend]
    inside = {port.split(":")[1] for port in service["ports"]}
    assert inside == {options["http_addr"].rpartition(":")[2], options["grpc_addr"].rpartition(":")[2]}
    (volumes,) = instructions("VOLUME")
    assert {volume.partition(":")[2] for volume in service["volumes"]} == set(json.loads(volumes))
    assert {volume.partition(":")[0] for volume in service["volumes"]} == set(COMPOSE["volumes"])
    # Docker kills what has not ended by then.
    assert int(service["stop_grace_period"].removesuffix("s")) > options["drain_seconds"]


def test_one_service_takes_a_gpu_and_the_other_is_asked_for() -> None:
    (device,) = COMPOSE["services"]["tts"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert {name: service.get("profiles") for name, service in COMPOSE["services"].items()} == {
        "tts": None,
        "tts-cpu": ["cpu"],
        "prometheus": ["metrics"],
    }


def test_prometheus_asks_a_name_and_port_that_the_services_answer_to() -> None:
    (scrape,) = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])["scrape_configs"]
    (target,) = scrape["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    for name in BUILT:
        assert host in COMPOSE["services"][name]["networks"]["default"]["aliases"]
        assert f"{port}:{port}" in COMPOSE["services"][name]["ports"]
