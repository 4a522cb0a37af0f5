"""The rights that calls of AWS take, found in the source: of a module, of a command, of a host's scripts.

A client's call is ``something.operation(…)``, by the name that botocore gives a method, a paginator or a waiter, of a
service that the package makes a client of; a name of one word, such as ``publish``, counts only in a module that makes
the client itself. In a script it is ``aws service operation``.
"""

import ast
import functools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from autoir.cli.call_graph import PACKAGE, Definition, modules, reached, source

_PREFIXES = {"monitoring": "cloudwatch"}
_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:HeadObject": "s3:GetObject s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "lambda:Invoke": "lambda:InvokeFunction",
}
"""Operations whose right has another name (Service Authorization Reference).

HeadObject takes two: without the second S3 answers 403 for an object that is not there, and 404 with it
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
"""
_TRANSFERS = {"upload_file": "PutObject", "upload_fileobj": "PutObject", "download_file": "GetObject"}
_NAMED = {"get_paginator", "get_waiter", "can_paginate"}
_SCRIPTED = re.compile(r"^[^#\n]*\baws ([a-z0-9]+) ([a-z-]+)", re.MULTILINE)
_COMMANDS_OF_AWS = {("s3", "cp"): "s3:GetObject", ("configure", "set"): ""}
"""Of the command line of AWS, what is no operation's name, to the right that it takes."""


def actions(tree: ast.Module, services: Collection[str] = ()) -> set[str]:
    """The rights that the calls of one module take; ``services`` are those that it may have been given a client of.

    Raises ValueError where a client's service is not written out.
    """
    return _actions([tree], frozenset(_services(tree)), services)


def scripted(script: str) -> set[str]:
    """The rights that ``aws`` takes in a shell's script. Raises KeyError for a command that is not known."""
    return {right for call in _SCRIPTED.findall(script) for right in _right_of(*call).split()}


@functools.cache
def of_program(entry: Definition) -> frozenset[str]:
    """The rights that the calls take to which ``entry`` leads."""
    return frozenset().union(*map(_of_definition, reached(entry)))


@functools.cache
def of_hosts() -> frozenset[str]:
    """The rights that the scripts of a model's host take."""
    scripts = sorted((PACKAGE.parent / "stacks/host").glob("*.sh"))
    return frozenset().union(*(scripted(path.read_text("utf-8")) for path in scripts))


@functools.cache
def everywhere() -> tuple[tuple[str, str], ...]:
    """Every right that the package's calls take, with each module that calls, in order."""
    found: set[tuple[str, str]] = set()
    for module in modules():
        where = source(module)
        rights = _actions(where.loose, _own_services(module), _given_to(module))
        rights = rights.union(*(_of_definition(Definition(module, name)) for name in where.defined))
        found |= {(action, module) for action in rights}
    return tuple(sorted(found))


@functools.cache
def _of_definition(definition: Definition) -> frozenset[str]:
    module = definition.module
    body = source(module).defined[definition.name]
    return frozenset(_actions(body, _own_services(module), _given_to(module)))


def _given_to(module: str) -> frozenset[str]:
    # A command asks through the package and holds no client; its framework has methods of such names.
    return frozenset() if module.startswith("autoir.cli.") else _all_services()


@functools.cache
def _all_services() -> frozenset[str]:
    return frozenset().union(*map(_own_services, modules()))


@functools.cache
def _own_services(module: str) -> frozenset[str]:
    return frozenset(_services(source(module).tree))


def _actions(body: Sequence[ast.AST], own: Collection[str], given: Collection[str]) -> set[str]:
    return {
        right
        for method in {name for part in body for name in _called(part)}
        for service in {*own, *given}
        if method in _operations(service) and (service in own or "_" in method)
        for right in _operations(service)[method].split()
    }


def _services(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="client"), args=[ast.Constant(value=str(service)), *_]):
                yield service
            case ast.FunctionDef(name="client"):
                return  # where clients are made for others
            case ast.Call(func=ast.Attribute(attr="client"), args=[argument, *_]):
                raise ValueError(f"the service of .client({ast.unparse(argument)}) is not written out")


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(operation)), *_]) if (
                name in _NAMED
            ):
                yield operation
            case ast.Call(func=ast.Attribute(attr=name)):
                yield name


@functools.cache
def _operations(service: str) -> Mapping[str, str]:
    """Name of a client's method, or of its waiter, to the right that it takes, or several with spaces between."""
    import botocore.session
    from botocore import xform_name
    from botocore.exceptions import UnknownServiceError

    session = botocore.session.Session()
    model = session.get_service_model(service)
    prefix = _PREFIXES.get(model.signing_name, model.signing_name)
    named = {xform_name(operation): operation for operation in model.operation_names}
    if service == "s3":
        named |= _TRANSFERS
    try:
        waiters = session.get_waiter_model(service)
    except (UnknownServiceError, ValueError):
        pass
    else:
        named |= {xform_name(name): waiters.get_waiter(name).operation for name in waiters.waiter_names}
    rights = {method: f"{prefix}:{operation}" for method, operation in named.items()}
    return {method: _ACTIONS.get(right, right) for method, right in rights.items()}


def _right_of(service: str, command: str) -> str:
    known = _COMMANDS_OF_AWS.get((service, command))
    return _operations(service)[command.replace("-", "_")] if known is None else known
