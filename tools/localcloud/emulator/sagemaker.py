"""SageMaker: models, configurations and endpoints; an endpoint runs the very archive that its model names.

Creating an endpoint unpacks the archive out of S3 and starts its code as the container of AWS does (``container.py``
beside this package), with nothing to import but the standard library, numpy and what is in the archive. An archive that
does not start fails the stack.
"""

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import s3

from tools.localcloud.emulator import door
from tools.localcloud.emulator.kinds import Made, Properties, add

_CONTAINER = Path(__file__).resolve().parent.parent / "container.py"
_MODELS: Any = AccountRegionScopedDict()
_CONFIGS: Any = AccountRegionScopedDict()
_ENDPOINTS: Any = AccountRegionScopedDict()


def install() -> None:
    """Add the types, and what is asked about endpoints."""
    add("AWS::SageMaker::Model", _model, lambda name: _MODELS.pop(name, None))
    add("AWS::SageMaker::EndpointConfig", _config, lambda name: _CONFIGS.pop(name, None))
    add("AWS::SageMaker::Endpoint", _endpoint, _stop)
    door.PATHS[re.compile(r"/endpoints/([\w-]+)/invocations")] = _invoke
    door.TARGETS |= {
        "SageMaker.DescribeEndpoint": _described,
        "SageMaker.ListModels": lambda _: {"Models": [{"ModelName": name} for name in _MODELS]},
        "SageMaker.ListEndpointConfigs": lambda _: {"EndpointConfigs": [{"EndpointConfigName": n} for n in _CONFIGS]},
        "SageMaker.ListEndpoints": lambda _: {"Endpoints": [{"EndpointName": name} for name in _ENDPOINTS]},
    }


def _model(properties: Properties) -> Made:
    name, container = properties["ModelName"], properties["PrimaryContainer"]
    url = container["ModelDataUrl"]
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.endswith(".tar.gz") or s3._get_object_data(bucket, key) is None:
        raise ValueError(f"Could not find model data at {url}.")
    _MODELS[name] = {"bucket": bucket, "key": key, "environment": container.get("Environment", {})}
    return name, {"ModelName": name}


def _config(properties: Properties) -> Made:
    name, model = properties["EndpointConfigName"], properties["ProductionVariants"][0]["ModelName"]
    if model not in _MODELS:
        raise ValueError(f"Could not find model {model}.")
    _CONFIGS[name] = {"model": model}
    return name, {"EndpointConfigName": name}


def _endpoint(properties: Properties) -> Made:
    name, config = properties["EndpointName"], properties["EndpointConfigName"]
    model = _MODELS[_CONFIGS[config]["model"]]
    folder = tempfile.TemporaryDirectory(prefix=f"{name}-")
    with tarfile.open(fileobj=io.BytesIO(s3._get_object_data(model["bucket"], model["key"]))) as archive:
        archive.extractall(folder.name, filter="data")
    libraries = Path(numpy.__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_CONTAINER), folder.name, str(libraries)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder.name,
        env=model["environment"],
    )
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    if not port:
        raise ValueError(f"The primary container for endpoint {name} did not pass the ping health check.")
    _ENDPOINTS[name] = {"port": port, "process": process, "folder": folder, "config": config}
    return name, {"EndpointName": name}


def _stop(name: str) -> None:
    if found := _ENDPOINTS.pop(name, None):
        found["process"].kill()
        found["process"].wait()
        found["folder"].cleanup()


def _described(asked: dict[str, Any]) -> dict[str, Any]:
    name = asked["EndpointName"]
    if name not in _ENDPOINTS:
        raise door.Refusal("ValidationException", f'Could not find endpoint "{name}".')
    return {
        "EndpointName": name,
        "EndpointArn": f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:endpoint/{name}",
        "EndpointConfigName": _ENDPOINTS[name]["config"],
        "EndpointStatus": "InService",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }


def _invoke(body: bytes, name: str) -> tuple[int, bytes]:
    """What the container answers; its errors as SageMaker wraps them."""
    if name not in _ENDPOINTS:
        return 400, json.dumps({"__type": "ValidationError", "message": f"Endpoint {name} not found."}).encode()
    url = f"http://127.0.0.1:{_ENDPOINTS[name]['port']}/invocations"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return 200, answer.read()
    except urllib.error.HTTPError as error:
        said = {"OriginalStatusCode": error.code, "OriginalMessage": error.read().decode()}
        return 424, json.dumps({"__type": "ModelError", "message": "Received an error from primary.", **said}).encode()
