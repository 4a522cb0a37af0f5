"""Lambda functions, closer to AWS: nothing but the bundle to import, what fails ends in S3, and soon.

A function's process is given the standard library and its own zip: a package that the bundle lacks must fail here, not
only in AWS. Executables of a zip stay executable. The waits between an invocation's tries are cut from minutes to a
fraction of a second.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
import types
import uuid
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, s3

_route_elsewhere = lambda_svc._route_async_failure
_RETRY_S = 0.1


class _Code(zipfile.ZipFile):
    """A function's zip: unpacked once, with each file's permissions, and the same folder for every process."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """As ZipFile's."""
        assert self.filename is not None
        with open(self.filename, "rb") as file:
            whole = Path(tempfile.gettempdir(), f"code-{hashlib.file_digest(file, 'sha256').hexdigest()}")
        if not whole.exists():
            part = tempfile.mkdtemp()
            super().extractall(part, members, pwd)
            for entry in self.infolist():
                if mode := entry.external_attr >> 16 & 0o777:
                    Path(part, entry.filename).chmod(mode)
            with suppress(OSError):  # another process was faster
                os.rename(part, whole)
        os.rmdir(path)
        os.symlink(whole, path)


def install() -> None:
    """Change how functions run and what becomes of an invocation that failed."""
    bare = Path(tempfile.gettempdir(), "python")
    bare.write_text(f'#!/bin/sh\nexec {sys._base_executable} -I -S "$@"\n')  # type: ignore[attr-defined]
    bare.chmod(0o700)
    chosen = lambda_runtime._detect_runtime_binary

    def interpreter(runtime: str) -> tuple[str, str]:
        return (str(bare), lambda_runtime._PYTHON_WORKER_SCRIPT) if runtime.startswith("python") else chosen(runtime)

    lambda_runtime._detect_runtime_binary = interpreter
    lambda_runtime.zipfile = types.SimpleNamespace(
        ZipFile=_Code, BadZipFile=zipfile.BadZipFile, LargeFileError=zipfile.LargeZipFile
    )
    run = lambda_svc._execute_function_warm
    lambda_svc._execute_function_warm = lambda *asked: _named(run(*asked))
    lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS = _RETRY_S
    lambda_svc._route_async_failure = _put_aside


def _named(result: dict[str, Any]) -> dict[str, Any]:
    """What a function raised bears its class's name, which callers go by; the emulator calls all of it one name."""
    body, trace = result.get("body"), str(result.get("log", "")).rpartition("Traceback (most recent call last):")[2]
    raised = re.search(r"^(?:\w+\.)*(\w+)(?:: |$)", trace, re.MULTILINE)
    if result.get("error") and body and body["errorType"] == "Runtime.HandlerError" and raised:
        body["errorType"] = raised[1]
    return result


def _put_aside(destination: str, name: str, event: Any, result: dict[str, Any]) -> None:
    """The record that Lambda leaves in a bucket, by the name that Lambda gives it
    (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html)."""
    if not destination.startswith("arn:aws:s3:::"):
        _route_elsewhere(destination, name, event, result)
        return
    now, id_ = datetime.now(UTC), str(uuid.uuid4())
    config = lambda_svc._functions[name]["config"]
    record = {
        "version": "1.0",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": id_, "functionArn": f"{config['FunctionArn']}:$LATEST", "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": result.get("body"),
    }  # fmt: skip
    key = f"aws/lambda/async/{name}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{id_}"
    s3._put_object(destination.rpartition(":")[2], key, json.dumps(record, default=str).encode(), {})
