"""A graph is read only if it is one that we could have written."""

import json
from collections.abc import Callable

import onnx
import pytest
from onnx import TensorProto, helper

from pipelines import places
from pipelines.models import graphs, onnx_file

HOME = places.EMBEDDED / "aigc-mini"


def sound() -> onnx.ModelProto:
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2], [0.0, 0.0])
    weight.ClearField("float_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def test_a_sound_file_passes() -> None:
    onnx_file.check(sound().SerializeToString(), {"w"})


@pytest.mark.parametrize("part", graphs.PARTS)
def test_the_shipped_graphs_pass(part: str) -> None:
    graph = graphs.read(HOME / part, json.loads((HOME / part / "config.json").read_text("utf-8")))
    assert graph is not None
    onnx_file.check(graph.onnx, graph.weights)


def elsewhere(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].external_data[0].value = "/etc/passwd"


def above(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].external_data[0].value = "../../secret"


def at_an_offset(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].external_data.add(key="offset", value="4096")


def no_weight(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].name = "another"


def without_a_place(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].name = "another"
    proto.graph.initializer[0].ClearField("external_data")


def in_an_attribute(proto: onnx.ModelProto) -> None:
    tensor = sound().graph.initializer[0]
    proto.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def of_another_library(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].domain = "com.microsoft"


def by_import(proto: onnx.ModelProto) -> None:
    proto.opset_import.append(helper.make_opsetid("evil.ops", 1))


def in_a_loop(proto: onnx.ModelProto) -> None:
    proto.graph.node.append(helper.make_node("Loop", ["a", "b"], ["c"], body=sound().graph))


def with_a_function(proto: onnx.ModelProto) -> None:
    proto.functions.append(helper.make_function("own", "F", ["a"], ["b"], [], [helper.make_opsetid("", 20)]))


def sparse(proto: onnx.ModelProto) -> None:
    proto.graph.sparse_initializer.add()


HOSTILE = (
    elsewhere, above, at_an_offset, no_weight, without_a_place, in_an_attribute, of_another_library, by_import,
    in_a_loop, with_a_function, sparse,
)  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE)
def test_what_we_never_write_is_refused(change: Callable[[onnx.ModelProto], None]) -> None:
    proto = sound()
    change(proto)
    with pytest.raises(onnx_file.Unlike):
        onnx_file.check(proto.SerializeToString(), {"w"})


def test_a_field_that_is_there_twice_hides_nothing() -> None:
    """Protocol buffers join two graphs in one file, and of two names take the last."""
    other = sound()
    elsewhere(other)
    for file in (sound().SerializeToString() + other.SerializeToString(), other.SerializeToString() * 2):
        with pytest.raises(onnx_file.Unlike):
            onnx_file.check(file, {"w"})


def test_no_bytes_bring_it_down() -> None:
    whole = sound().SerializeToString()
    for at in range(len(whole)):
        for changed in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            try:
                onnx_file.check(changed, {"w"})
            except onnx_file.Unlike:
                pass
