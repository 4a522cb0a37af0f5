"""How a resource type that MiniStack's CloudFormation lacks is added to it."""

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Made = tuple[str, dict[str, str]]
"""What ``Ref`` gives of a resource, and its attributes."""


def add(kind: str, make: Callable[[Properties], Made], remove: Callable[[str], None]) -> None:
    """Let stacks have ``kind``. ``make`` may raise ValueError, which fails the stack, as AWS would."""
    attributes: dict[str, dict[str, str]] = {}

    def create(_logical_id: str, properties: Properties, _stack: str) -> Made:
        id_, attributes[id_] = made = make(properties)
        return made

    def update(id_: str, old: Properties, new: Properties, stack: str) -> Made:
        if _untagged(old) == _untagged(new):
            return id_, attributes[id_]
        delete(id_, old)
        return create("", new, stack)

    def delete(id_: str, _properties: Properties) -> None:
        remove(id_)
        attributes.pop(id_, None)

    provisioners._RESOURCE_HANDLERS[kind] = {"create": create, "update": update, "delete": delete}


def _untagged(properties: Properties) -> Properties:
    return {name: value for name, value in properties.items() if name != "Tags"}
