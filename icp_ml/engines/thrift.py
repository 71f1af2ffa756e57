"""Thrift's compact protocol, as far as a Parquet footer needs it: structs read into plain values, and written again.

A struct is a list of (field number, kind, value) in the order of the file, so that what is not looked at comes out as
it went in. A list is (kind, values).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Struct = list[tuple[int, int, Any]]

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _MAP, STRUCT = range(1, 13)
WHOLE = (I16, I32, I64)
DEEPEST = 32  # structs within structs


def read_struct(data: bytes) -> Struct:
    """Return the struct that some bytes begin with.

    Raises
    ------
    ValueError
        The bytes are no struct in the compact protocol, or end too early.
    """
    try:
        return _struct(data, 0, 0)[0]
    except IndexError as error:
        msg = "the footer ends too early"
        raise ValueError(msg) from error


def written(struct: Struct) -> bytes:
    """Return the bytes of a struct."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


def value_of(struct: Struct, number: int, default: Any = None) -> Any:
    """Return the value of a field, `default` where it is not there."""
    return next((value for one, _, value in struct if one == number), default)


def replaced(struct: Struct, number: int, change: Callable[[Any], Any]) -> Struct:
    """Return a struct with a field's value changed, where it is there."""
    return [(one, kind, change(value) if one == number else value) for one, kind, value in struct]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _whole(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _struct(data: bytes, at: int, depth: int) -> tuple[Struct, int]:
    if depth > DEEPEST:
        msg = "the footer is nested too deeply"
        raise ValueError(msg)
    out: Struct = []
    number = 0
    while True:
        head = data[at]
        at += 1
        if head == 0:
            return out, at
        kind = head & 0x0F
        if head >> 4:
            number += head >> 4
        else:
            number, at = _whole(data, at)
        if kind in (TRUE, FALSE):  # the kind is the value
            out.append((number, kind, kind == TRUE))
            continue
        if kind in WHOLE and data[at] < 0x80:  # most of a footer: not worth a call
            value, at = (data[at] >> 1) ^ -(data[at] & 1), at + 1
        else:
            value, at = _value(data, at, kind, depth)
        out.append((number, kind, value))


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in WHOLE:
        return _whole(data, at)
    if kind in (TRUE, FALSE, BYTE):  # in a list, a truth is a byte
        return data[at], at + 1
    if kind == BINARY:
        size, at = _varint(data, at)
        if at + size > len(data):
            raise IndexError
        return data[at : at + size], at + size
    if kind == DOUBLE:
        return data[at : at + 8], at + 8
    if kind in (LIST, SET):
        head = data[at]
        size, at = (head >> 4, at + 1) if head >> 4 < 15 else _varint(data, at + 1)
        values = []
        for _ in range(size):
            value, at = _value(data, at, head & 0x0F, depth)
            values.append(value)
        return (head & 0x0F, values), at
    if kind == STRUCT:
        return _struct(data, at, depth + 1)
    msg = f"the footer holds a value of kind {kind}, which Parquet has none of"
    raise ValueError(msg)


def _write_varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _write_whole(out: bytearray, value: int) -> None:
    _write_varint(out, value << 1 if value >= 0 else ((-value) << 1) - 1)


def _write_struct(out: bytearray, struct: Struct) -> None:
    before = 0
    for number, kind, value in struct:
        if 0 < number - before < 16:
            out.append((number - before) << 4 | kind)
        else:
            out.append(kind)
            _write_whole(out, number)
        before = number
        if kind not in (TRUE, FALSE):
            _write_value(out, kind, value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in WHOLE:
        _write_whole(out, value)
    elif kind in (TRUE, FALSE, BYTE):
        out.append(value)
    elif kind == BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind == DOUBLE:
        out += value
    elif kind == STRUCT:
        _write_struct(out, value)
    else:
        inner, values = value
        if len(values) < 15:
            out.append(len(values) << 4 | inner)
        else:
            out.append(0xF0 | inner)
            _write_varint(out, len(values))
        for one in values:
            _write_value(out, inner, one)
