"""The messages of a SCIP index as far as the graph needs them: names and numbers of fields, built at run time.

Fields that are not named here are skipped by the protobuf runtime, as the wire format provides.
Source: the SCIP reference (SCIP Code Intelligence Protocol), messages Index to Relationship.
"""

import functools
from collections.abc import Mapping
from typing import Any

# Field: (number, kind). A kind is a scalar or a message; `*` marks a repeated field.
MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Index": {"metadata": (1, "Metadata"), "documents": (2, "Document*")},
    "Metadata": {"tool_info": (2, "ToolInfo"), "text_document_encoding": (4, "int32")},
    "ToolInfo": {"name": (1, "string"), "version": (2, "string")},
    "Document": {
        "relative_path": (1, "string"),
        "occurrences": (2, "Occurrence*"),
        "symbols": (3, "SymbolInformation*"),
        "language": (4, "string"),
        "text": (5, "string"),
        "position_encoding": (6, "int32"),
    },
    "Occurrence": {
        "range": (1, "int32*"),
        "symbol": (2, "string"),
        "symbol_roles": (3, "int32"),
        "single_line_range": (8, "SingleLineRange"),
        "multi_line_range": (9, "MultiLineRange"),
    },
    "SingleLineRange": {"line": (1, "int32"), "start_character": (2, "int32"), "end_character": (3, "int32")},
    "MultiLineRange": {
        "start_line": (1, "int32"),
        "start_character": (2, "int32"),
        "end_line": (3, "int32"),
        "end_character": (4, "int32"),
    },
    "SymbolInformation": {"symbol": (1, "string"), "relationships": (4, "Relationship*"), "kind": (5, "int32")},
    "Relationship": {"symbol": (1, "string"), "is_implementation": (3, "bool")},
}
PACKAGE = "graphmer.scip"


@functools.cache
def message_class(name: str) -> Any:
    """The class of a message of the schema; untyped, since it is made at run time."""
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@functools.cache
def _pool() -> Any:
    """A pool of its own: another library may have registered the format in the default one."""
    from google.protobuf import descriptor_pb2, descriptor_pool

    file = descriptor_pb2.FileDescriptorProto(name="graphmer/scip.proto", package=PACKAGE, syntax="proto3")
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            _add_field(described, name, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add_field(message: Any, name: str, number: int, kind: str) -> None:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

    scalars = {"string": Field.TYPE_STRING, "int32": Field.TYPE_INT32, "bool": Field.TYPE_BOOL}
    base = kind.removesuffix("*")
    field = message.field.add(
        name=name,
        number=number,
        label=Field.LABEL_REPEATED if kind.endswith("*") else Field.LABEL_OPTIONAL,
        type=scalars.get(base, Field.TYPE_MESSAGE),
    )
    if base not in scalars:
        field.type_name = f".{PACKAGE}.{base}"
