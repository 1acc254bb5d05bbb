"""Whether an ONNX file is one that we could have written: standard operators, no file beside it, weights only by name.

It is read field by field as protocol buffers lay it out, so that no library builds anything of a stranger's bytes
first; of a field that is there twice every one is looked at. Numbers of fields: onnx.proto.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

LOCATION = b"weights"
"""What stands in place of a file's name where a weight is handed over."""

_GRAPH, _OPSET, _TRAINING, _FUNCTION = 7, 8, 20, 25
_NODE, _INITIALIZER, _SPARSE_INITIALIZER = 1, 5, 15
_ATTRIBUTE, _DOMAIN = 5, 7
_TENSORS_OF_ATTRIBUTE, _BEYOND_OF_ATTRIBUTE = (5, 10), (6, 11, 22, 23)  # beyond: graphs, sparse tensors
_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 8, 13, 14

Fields = Iterator[tuple[int, int | memoryview]]


class Unlike(ValueError):
    """What of it is not as we write it."""


def check(file: bytes, weights: Collection[str]) -> None:
    """Raises Unlike for a file with anything in it that no exported UNet or decoder with these weights needs."""
    names = {name.encode() for name in weights}
    for number, value in _fields(memoryview(file)):
        if number == _GRAPH:
            _check_graph(_message(value), names)
        elif number == _OPSET:
            _refuse_domain(value, 1)
        elif number in (_TRAINING, _FUNCTION):
            raise Unlike("it holds functions or a training")


def _check_graph(graph: memoryview, names: Collection[bytes]) -> None:
    for number, value in _fields(graph):
        if number == _NODE:
            _check_node(_message(value))
        elif number == _INITIALIZER:
            _check_tensor(_message(value), names)
        elif number == _SPARSE_INITIALIZER:
            raise Unlike("it holds sparse weights")


def _check_node(node: memoryview) -> None:
    _refuse_domain(node, _DOMAIN)
    for attribute in (_message(value) for number, value in _fields(node) if number == _ATTRIBUTE):
        for number, value in _fields(attribute):
            if number in _TENSORS_OF_ATTRIBUTE:
                _check_tensor(_message(value), ())
            elif number in _BEYOND_OF_ATTRIBUTE:
                raise Unlike("an operator holds a graph or sparse numbers")


def _refuse_domain(message: int | memoryview, field: int) -> None:
    """Operators of other domains are of other libraries."""
    if any(number == field and bytes(_message(value)) for number, value in _fields(_message(message))):
        raise Unlike("it has operators that are not ONNX's own")


def _check_tensor(tensor: memoryview, names: Collection[bytes]) -> None:
    """Numbers elsewhere than in the file are those of a weight."""
    known, elsewhere = True, False
    for number, value in _fields(tensor):
        if number == _NAME:
            known = known and bytes(_message(value)) in names
        elif number == _DATA_LOCATION:
            elsewhere = elsewhere or value != 0
        elif number == _EXTERNAL_DATA:
            elsewhere = True
            entries = [(field, bytes(_message(part))) for field, part in _fields(_message(value))]
            if entries != [(1, b"location"), (2, LOCATION)]:
                raise Unlike("it names another file")
    if elsewhere and not known:
        raise Unlike("numbers that are no weight lie elsewhere")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise Unlike("a field is of another kind")
    return value


def _fields(message: memoryview) -> Fields:
    """Each field's number, and its value: a number, or the bytes of what it holds."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise Unlike("it is no ONNX file")
        if at + length > len(message):
            raise Unlike("it is cut off")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number and where the next one begins."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise Unlike("it is cut off")
        byte, at = message[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Unlike("it is no ONNX file")
