"""The bundle's binaries: each has to be for the functions' processor, whatever machine made the bundle."""

from pathlib import Path

import pytest

from stacks import bundle
from tests.stacks import runs

ARM, X86 = 0xB7, 0x3E


def elf(machine: int, word: int = 2, order: int = 1) -> bytes:
    """The head of an ELF file (elf(5)): class and byte order at 4, the machine at 18."""
    return b"\x7fELF" + bytes([word, order, 1]) + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)


@pytest.mark.parametrize(
    ("name", "content", "fits_arm64"),
    [
        ("orjson/orjson.cpython-313-aarch64-linux-gnu.so", elf(ARM), True),
        ("numpy.libs/libopenblas.so.0", elf(ARM), True),
        # a wheel of the machine that made the bundle
        ("orjson/orjson.cpython-313-x86_64-linux-gnu.so", elf(X86), False),
        ("orjson/orjson.cpython-313-darwin.so", b"\xcf\xfa\xed\xfe" + bytes(60), False),
        ("orjson/orjson.pyd", b"MZ" + bytes(60), False),
        # right by name alone
        ("orjson/orjson.cpython-313-aarch64-linux-gnu.so", elf(X86), False),
        # 32 bits, big-endian, cut off
        ("a.so", elf(ARM, word=1), False),
        ("a.so", elf(ARM, order=2), False),
        ("a.so", elf(ARM)[:19], False),
        ("a.so", b"", False),
        # a program without an ending is seen too
        ("monty", elf(X86), False),
        ("monty", elf(ARM), True),
        # no binary
        ("notes.sol.txt", b"so", True),
        ("empty", b"", True),
    ],
)
def test_a_binary_is_of_the_functions_processor(tmp_path: Path, name: str, content: bytes, fits_arm64: bool) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert bundle.wrong_binaries(tmp_path, "arm64") == ([] if fits_arm64 else [name])


def test_the_other_processor_has_another_number(tmp_path: Path) -> None:
    for name, machine in (("arm.so", ARM), ("x86.so", X86)):
        (tmp_path / name).write_bytes(elf(machine))
    assert bundle.wrong_binaries(tmp_path, "x86_64") == ["arm.so"]
    assert [path.name for path in bundle.binaries(tmp_path)] == ["arm.so", "x86.so"]


def test_the_bundle_knows_the_services_that_its_functions_call_and_no_others() -> None:
    assert set().union(*(runs.services(part) for part in runs.ENTRIES if part != "tail")) == bundle.SERVICES
