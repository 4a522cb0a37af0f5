"""The packed archive, and its code run out of it by a container's protocol behind SageMaker's."""

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import numpy as np
import pytest

from autoir.embed import EmbedderSpec, EmbedFailure, claim_model, fill_pending, verify_model
from autoir.embed.artefact import Packed, pack_model
from autoir.embed.artefact.inference import model_fn, transform_fn
from autoir.embed.artefact.modules import ROOT, needed_by
from autoir.embed.artefact.pack import INFERENCE
from autoir.embed.fingerprint import CANARIES
from autoir.embed.local import ModelFileError
from autoir.embed.local.engine import LocalEmbedder
from autoir.embed.local.folder import Manifest, read_model
from autoir.embed.recipe import views
from autoir.embed.remote.embedder import RemoteEmbedder
from autoir.embed.remote.endpoint import Endpoint
from autoir.embed.remote.sagemaker import SageMaker
from autoir.store import Store, open_store
from autoir.store.rows import Batch, PatternRow
from tests.conftest import ROOT as REPOSITORY
from tests.embed.local.tiny import CONFIG, VOCABULARY, random_tensors, write_model
from tests.embed.remote.server import Answer, Server, model_error, serving

SIZES = {**CONFIG, "hidden_size": 384, "num_attention_heads": 12, "max_position_embeddings": 160}
SPEC = EmbedderSpec("tiny-bge", "1", pooling="cls", query_prefix="search: ")
TEXTS = [*dict.fromkeys(view for canary in CANARIES for view in views(*canary)), "a", "disk full " * 400]


def described(folder: Path, spec: EmbedderSpec = SPEC) -> Path:
    """``folder`` with the ``spec.json`` that an unpublished model needs."""
    names = ("model.safetensors", "config.json", "vocab.txt")
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    (folder / "spec.json").write_text(Manifest(spec, "float32", hashes).text(), "utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return described(write_model(tmp_path_factory.mktemp("weights"), random_tensors(SIZES), SIZES))


@pytest.fixture(scope="module")
def packed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return pack_model(folder, tmp_path_factory.mktemp("packed") / "model.tar.gz")


@pytest.fixture(scope="module")
def extracted(packed: Packed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("model")
    with tarfile.open(packed.path) as archive:
        archive.extractall(target, filter="data")
    return target


@pytest.fixture(scope="module")
def container(extracted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the archive's code, run where there is nothing but Python and numpy."""
    libraries = tmp_path_factory.mktemp("libraries")
    installed = Path(np.__file__).parent.parent
    for found in (installed / "numpy", installed / "numpy.libs"):
        if found.exists():
            (libraries / found.name).symlink_to(found)
    script = REPOSITORY / "tools" / "localcloud" / "container.py"
    command = [sys.executable, "-I", "-S", str(script), str(extracted), str(libraries)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=extracted) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@pytest.fixture
def endpoint(container: str) -> Iterator[Server]:
    """SageMaker in front of the container: bodies go through, a status that is not 200 becomes a ModelError."""
    server: Server

    def through(_: list[str]) -> Answer:
        reply = httpx.post(f"{container}/invocations", json=server.sent[-1].document, timeout=30)
        return Answer(200, reply.content) if reply.status_code == 200 else model_error(reply.status_code, reply.text)

    with serving(through) as server:
        yield server


@pytest.fixture
def engine(endpoint: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteEmbedder]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", endpoint.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    embedder = RemoteEmbedder(Endpoint(SageMaker("autoir-embed", "us-east-1"), SPEC, jitter=Random(1)), SPEC)
    yield embedder
    embedder.close()


# The archive


def test_the_archive_holds_the_model_and_the_code_and_nothing_else(packed: Packed) -> None:
    with tarfile.open(packed.path) as archive:
        entries = archive.getmembers()
    files = {entry.name for entry in entries if entry.isfile()}
    code = {name for name in files if name.startswith("code/autoir/")}
    assert files - code == {"model.safetensors", "config.json", "vocab.txt", "spec.json", "code/inference.py"}
    assert {"code/autoir/__init__.py", "code/autoir/embed/local/engine.py", "code/autoir/errors.py"} <= code
    assert not [name for name in code if any(part in name for part in ("/store/", "/remote/", "/cli/", "hashed"))]
    assert {(e.mode, e.mtime, e.uid, e.gid, e.uname, e.gname) for e in entries if e.isfile()} == {
        (0o666, 0, 0, 0, "", "")
    }
    assert {e.mode for e in entries if e.isdir()} == {0o777}
    assert {e.name for e in entries if e.isdir()} == {
        "code", "code/autoir", "code/autoir/embed", "code/autoir/embed/local"
    }  # fmt: skip


def test_the_same_input_gives_the_same_bytes(folder: Path, packed: Packed, tmp_path: Path) -> None:
    again = pack_model(folder, tmp_path / "again.tar.gz")
    assert again.sha256 == packed.sha256 == hashlib.sha256(packed.path.read_bytes()).hexdigest()
    assert again.size_bytes == packed.path.stat().st_size
    assert [path.name for path in tmp_path.iterdir() if "tar" in path.name] == ["again.tar.gz"]


def test_weights_are_stored_as_float16_and_described(folder: Path, extracted: Path, packed: Packed) -> None:
    found = read_model(extracted)  # its hashes hold
    assert found.spec == packed.spec == SPEC
    assert json.loads((extracted / "spec.json").read_text())["dtype"] == "float16"
    sizes = [(place / "model.safetensors").stat().st_size for place in (folder, extracted)]
    assert 0.49 < sizes[1] / sizes[0] < 0.51


def test_an_archive_can_be_made_of_what_was_packed(extracted: Path, packed: Packed, tmp_path: Path) -> None:
    assert pack_model(extracted, tmp_path / "again.tar.gz").sha256 == packed.sha256


def test_a_folder_that_is_not_what_it_says_is_not_packed(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.tar.gz"
    target.write_bytes(b"as it was")
    broken = write_model(tmp_path / "weights", random_tensors(SIZES, seed=6), SIZES)
    (broken / "spec.json").write_bytes((folder / "spec.json").read_bytes())
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        pack_model(broken, target)
    assert target.read_bytes() == b"as it was"


def test_weights_that_float16_cannot_hold_are_refused(tmp_path: Path) -> None:
    tensors = random_tensors(SIZES)
    tensors["encoder.layer.1.output.dense.weight"][3, 5] = 70_000
    with pytest.raises(ModelFileError, match=r"encoder\.layer\.1\.output\.dense\.weight has numbers beyond"):
        pack_model(described(write_model(tmp_path / "weights", tensors, SIZES)), tmp_path / "model.tar.gz")


def test_the_modules_are_those_that_loading_the_code_loads() -> None:
    code = (
        "import sys, runpy; before = set(sys.modules); runpy.run_path(sys.argv[1]);"
        "print(*sorted(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'autoir'), sep='\\n')"
    )
    loaded = subprocess.run([sys.executable, "-c", code, INFERENCE], check=True, capture_output=True, text=True).stdout
    assert [str(path) for path in needed_by(INFERENCE)] == loaded.split()
    assert all(path.is_relative_to(ROOT) for path in needed_by(INFERENCE))


# The container


def test_the_container_runs_the_archive_and_numpy_alone(container: str) -> None:
    reply = httpx.get(f"{container}/ping")
    assert (reply.status_code, reply.json()) == (200, {"outside": [], "third": ["numpy"]})


def cosines(ours: list[bytes | EmbedFailure], theirs: list[bytes | EmbedFailure]) -> np.ndarray:
    a, b = (np.array([np.frombuffer(v, "<f4") for v in vs if isinstance(v, bytes)]) for vs in (ours, theirs))
    return (a * b).sum(axis=1)


def test_the_endpoint_gives_the_vectors_of_the_engine_in_process(folder: Path, engine: RemoteEmbedder) -> None:
    local = LocalEmbedder(folder, SPEC)
    found = cosines(engine.embed_documents(TEXTS), local.embed_documents([text[:1_500] for text in TEXTS]))
    assert len(found) == len(TEXTS)
    assert found.min() >= 0.999
    assert float(cosines([engine.embed_query("pool closed")], [local.embed_query("pool closed")])[0]) >= 0.999


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


def test_engine_and_endpoint_may_share_a_store(folder: Path, engine: RemoteEmbedder, store: Store) -> None:
    claim_model(store, LocalEmbedder(folder, SPEC))
    assert verify_model(store, engine)
    store.write(Batch([], [PatternRow(1, 1, "m1", "/shop/api", 3, 0, "db", "pool closed", 2, 1_000, "r" * 24)], [], []))
    assert fill_pending(store, engine, 2_000) == (1, 0)


def test_a_request_takes_a_text_or_texts_and_names_its_model(container: str) -> None:
    one, two = (
        httpx.post(f"{container}/invocations", json={"inputs": inputs}).json() for inputs in ("disk", ["disk", "full"])
    )
    assert {key: one[key] for key in ("spec", "dim", "n", "errors")} == {
        "spec": "tiny-bge/cls/r1", "dim": 384, "n": 1, "errors": {}
    }  # fmt: skip
    assert two["n"] == 2
    rows = [np.frombuffer(base64.b64decode(reply["vectors"]), "<f4").reshape(-1, 384) for reply in (one, two)]
    assert np.allclose(rows[0][0], rows[1][0], atol=1e-6)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"inputs": 7}', '{"inputs": ["a", null]}', '{"inputs": {"a": 1}}'])
def test_what_is_no_request_is_refused(container: str, body: str) -> None:
    reply = httpx.post(f"{container}/invocations", content=body)
    assert reply.status_code == 400


def test_a_text_whose_numbers_are_none_fails_alone(tmp_path: Path) -> None:
    tensors = random_tensors(SIZES)
    tensors["embeddings.word_embeddings.weight"][VOCABULARY.index("pool")] = np.nan
    folder = described(write_model(tmp_path / "weights", tensors, SIZES))
    reply = json.loads(
        transform_fn(model_fn(str(folder)), b'{"inputs": ["disk", "pool", "full"]}', "application/json", "*/*")
    )
    assert (reply["n"], list(reply["errors"])) == (3, ["1"])
    assert "not finite" in reply["errors"]["1"]
