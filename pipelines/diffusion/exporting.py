"""Writes the graphs of a model's UNet and decoder, without their weights, beside them: what a native back end runs.

    python -m pipelines.diffusion.exporting assets/models/aigc-mini

Write it again whenever the architecture changes; other weights of the same config keep it. Needs onnx and onnxscript.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines import libs
from pipelines.models import graphs

OPSET = 20
PREFIX = "part."
"""What the exporter puts before the name of each weight: that of the module's attribute."""


def main(folder: Path) -> None:
    libs.prepare_environment()
    libs.torch()
    from pipelines import models
    from pipelines.diffusion import loading
    from pipelines.diffusion.architectures.unet import UNetModel

    model = loading.load(models.inspect(folder.resolve()))
    if not isinstance(model, UNetModel) or model.paints_into_masks:
        raise SystemExit(f"{folder.name} has no UNet that paints from noise; only those are exported.")
    for part, graph in {"unet": unet_graph(model.unet), "vae": decoder_graph(model.vae)}.items():
        graphs.write(folder / part, graph, model.info.configs[part])
        print(f"{folder / part / graphs.FILE}: {len(graph.onnx) / 1000:.0f} kB, {len(graph.weights)} weights named")


def unet_graph(unet: Any) -> graphs.Graph:
    """A UNet as a graph with any number of rows, any size, and prompts of any length. It may lie on the meta device."""
    factor = 2**unet.num_upsamplers
    inputs = _example(unet, factor)
    names = tuple(inputs)
    dynamic: dict[str, dict[int, str]] = {name: {0: "rows"} for name in names}
    dynamic["x"] |= {2: "height", 3: "width"}
    dynamic["encoder_hidden_states"] |= {1: "tokens"}
    shapes = (dynamic["x"], dynamic["timesteps"], tuple(dynamic[name] for name in names[2:]))
    return _graph(_asked(unet, names[2:]), inputs, shapes, factor)


def decoder_graph(vae: Any) -> graphs.Graph:
    """An autoencoder as it decodes, as a graph with any number of rows and any size. It may lie on the meta device."""
    torch = libs.torch()

    class Decoding(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = vae

        def forward(self, latents: Any) -> Any:
            return self.part.decode(latents, return_dict=False)[0]

    inputs = {"latents": torch.zeros(3, vae.config.latent_channels, 5, 6, device=vae.device)}
    return _graph(Decoding().eval(), inputs, ({0: "rows", 2: "height", 3: "width"},), 1)


def _graph(asked: Any, inputs: Mapping[str, Any], dynamic: tuple[Any, ...], multiple_of: int) -> graphs.Graph:
    """The module `asked`, whose `part` has the weights, as a graph; `dynamic` says which numbers of its inputs' shapes
    may be others."""
    torch = libs.torch()
    from pipelines.diffusion.native import weights_of

    with torch.no_grad():
        program = torch.onnx.export(
            asked,
            tuple(inputs.values()),
            dynamo=True,
            input_names=list(inputs),
            output_names=["prediction"],
            dynamic_shapes=dynamic,
            opset_version=OPSET,
            optimize=False,
            verbose=False,
        )
    weights = {name: tuple(tensor.shape) for name, tensor in weights_of(asked.part).items()}
    return graphs.Graph(_without_weights(program, weights), weights, tuple(inputs), multiple_of)


def _example(unet: Any, factor: int) -> dict[str, Any]:
    """Three rows of what a UNet is asked, by name, as its config says. Each number of the shapes is another, so that
    none is taken for one that stays."""
    torch, config = libs.torch(), unet.config
    shapes: dict[str, tuple[int, ...]] = {"encoder_hidden_states": (16, config.cross_attention_dim)}
    if config.addition_embed_type == "text_time":
        sizes = 6 * config.addition_time_embed_dim
        shapes |= {"text_embeds": (config.projection_class_embeddings_input_dim - sizes,), "time_ids": (6,)}
    if config.time_cond_proj_dim:
        shapes["timestep_cond"] = (config.time_cond_proj_dim,)
    x = torch.zeros(3, config.in_channels, 5 * factor, 6 * factor, device=unet.device)
    told = {name: torch.zeros(3, *shape, device=unet.device) for name, shape in sorted(shapes.items())}
    return {"x": x, "timesteps": torch.linspace(1, 900, 3, device=unet.device), **told}


def _asked(unet: Any, names: tuple[str, ...]) -> Any:
    """The UNet as a module with one argument an input."""
    torch = libs.torch()
    from pipelines.diffusion.architectures.unet import UNetNetwork

    class Asked(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = unet

        def forward(self, x: Any, timesteps: Any, *told: Any) -> Any:
            return UNetNetwork(self.part, "", len(x))(x, timesteps, dict(zip(names, told, strict=True)))

    return Asked().eval()


def _without_weights(program: Any, weights: graphs.Shapes) -> bytes:
    """The program as ONNX, simplified without a look at the weights, which it only names."""
    import onnx_ir

    initializers = program.model.graph.initializers
    values = {name: tensor.const_value for name, tensor in initializers.items()}
    for tensor in initializers.values():
        tensor.const_value = None  # or some would be folded into others
    program.optimize()
    for name, tensor in initializers.items():
        if tensor.const_value is not None:
            continue
        elsewhere = name.removeprefix(PREFIX) in weights
        kind = values[name].dtype
        tensor.const_value = (
            onnx_ir.ExternalTensor("weights", None, None, kind, shape=tensor.shape, name=name)
            if elsewhere
            else values[name]
        )
    proto = program.model_proto
    named = set()
    for tensor in proto.graph.initializer:
        name = tensor.name.removeprefix(PREFIX)
        if name in weights:
            tensor.name = name
            named.add(name)
    if named != set(weights):
        raise ValueError(f"weights that the graph does not name: {', '.join(sorted(set(weights) - named))[:300]}")
    _rename_and_bare(proto, set(weights))
    return proto.SerializeToString(deterministic=True)


def _rename_and_bare(proto: Any, weights: set[str]) -> None:
    """Names as the state dict has them, and nothing that is only for readers: traces of our files, types in between."""
    proto.doc_string = ""
    proto.graph.ClearField("value_info")
    for each in (proto, proto.graph, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        each.ClearField("metadata_props")
    for node in proto.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
        for i, name in enumerate(node.input):
            if name.removeprefix(PREFIX) in weights:
                node.input[i] = name.removeprefix(PREFIX)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
