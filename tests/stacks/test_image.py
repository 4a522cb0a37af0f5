"""The tailing task's image, as its file says it is built: no image is built here, so what can be read of it is."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.stacks import runs
from tests.stacks.conftest import Stage
from tests.test_floors import imported_modules

Step = tuple[str, str]


@pytest.fixture
def steps() -> list[Step]:
    """Instruction and the rest of its line, those that go on over several lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "container/Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line]


def said(steps: list[Step], instruction: str) -> list[str]:
    return [rest for name, rest in steps if name == instruction]


def environment(steps: list[Step]) -> dict[str, str]:
    return dict(pair.split("=") for rest in said(steps, "ENV") for pair in rest.split())


def test_its_base_may_be_another_registry_s(steps: list[Step]) -> None:
    assert [name for name, _ in steps[:2]] == ["ARG", "FROM"]
    assert re.fullmatch(r"BASE=\S+/python:3\.13-slim", steps[0][1])
    assert said(steps, "FROM") == ["${BASE}"]


def test_it_runs_as_nobody_of_importance(steps: list[Step]) -> None:
    [user] = said(steps, "USER")
    made = re.search(r"useradd .*--uid (\d+) (\w+)", " ".join(said(steps, "RUN")))
    assert made
    assert (user, int(made[1]) > 0) == (made[2], True)
    names = [name for name, _ in steps]
    assert "RUN" not in names[names.index("USER") :]


def test_it_can_write_where_the_task_has_its_mounts(steps: list[Step], full: Stage) -> None:
    (container,) = full.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    mounted = [mount["ContainerPath"] for mount in container["MountPoints"]]
    assert [json.loads(rest) for rest in said(steps, "VOLUME")] == [mounted]
    assert environment(steps)["AUTOIR_HOME"] in mounted
    # Its owner is taken over from the image: a volume of root's could not be written.
    assert f"install -d -o autoir -g autoir -m 0700 {mounted[1]}" in " ".join(said(steps, "RUN"))
    names = [name for name, _ in steps]
    assert names.index("RUN") < names.index("VOLUME")


def test_it_is_asked_how_it_is_as_the_task_is(steps: list[Step], full: Stage) -> None:
    (container,) = full.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    [check] = said(steps, "HEALTHCHECK")
    assert ["CMD", *json.loads(check.partition("CMD ")[2])] == container["HealthCheck"]["Command"]


def test_it_runs_the_task_without_a_shell_between(steps: list[Step], full: Stage) -> None:
    (container,) = full.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    assert (container.get("Command"), container.get("EntryPoint"), said(steps, "ENTRYPOINT")) == (None, None, [])
    [command] = said(steps, "CMD")
    assert json.loads(command) == ["python", "-m", "container.main"]


def test_its_packages_are_the_functions_by_their_hashes(steps: list[Step]) -> None:
    [install] = [rest for rest in said(steps, "RUN") if "pip install" in rest]
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    assert re.findall(r"-r (\S+)", install) == ["/srv/requirements.txt"]
    assert "lambdas/requirements.txt /srv/" in said(steps, "COPY")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "lambdas/requirements.txt").read_text("utf-8"), re.MULTILINE))
    imported = {
        name.partition(".")[0]
        for path in runs.modules("tail")
        for name in imported_modules(path, (ROOT / path).read_text("utf-8"))
    }
    # rich escapes what a terminal shows, and is imported when it does
    needed = imported - sys.stdlib_module_names - {"autoir", "container", "rich"}
    assert len(needed) >= 6
    assert needed - pinned == set()


def test_what_is_copied_is_all_that_is_sent_to_be_built(steps: list[Step], full: Stage) -> None:
    assets = json.loads((full.folder / "AutoIR-full-Tailer.assets.json").read_text("utf-8"))
    (image,) = assets["dockerImages"].values()
    assert image["source"]["dockerFile"] == "container/Dockerfile"
    folder = full.folder / image["source"]["directory"]
    copied = [source for rest in said(steps, "COPY") for source in rest.split()[:-1]]
    sent = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert sorted({_top(path, copied) for path in sent}) == sorted(copied)
    assert not [path for path in sent if "__pycache__" in path.parts]


def _top(path: Path, copied: list[str]) -> str:
    """What of ``copied`` brings ``path`` along; itself where nothing does."""
    return next((source for source in copied if path.is_relative_to(source)), path.as_posix())
