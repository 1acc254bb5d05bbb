"""Files as LyCORIS writes them, against what its own network answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lycoris import LycorisNetwork, create_lycoris
from torch import Tensor

from pipelines.requests.loras import Wanted
from tests import tiny_addons
from tests.lora_answers import answer, close, load, models_in, with_loras

MODULES = ["Transformer2DModel", "ResnetBlock2D", "Downsample2D"]
ALGORITHMS = {
    "lora": {"algo": "lora"},
    "lora in Tucker form": {"algo": "lora", "use_tucker": True},
    "lora of rank-stabilised scale": {"algo": "lora", "rs_lora": True},
    "lora with a learned scalar": {"algo": "lora", "use_scalar": True},
    "loha": {"algo": "loha"},
    "loha in Tucker form": {"algo": "loha", "use_tucker": True},
    "lokr": {"algo": "lokr", "factor": 4},
    "lokr of two products": {"algo": "lokr", "decompose_both": True, "linear_dim": 1, "conv_dim": 1},
    "lokr in Tucker form": {"algo": "lokr", "use_tucker": True, "factor": 2, "conv_dim": 2},
    "lokr of whole matrices": {"algo": "lokr", "full_matrix": True},
    "dora of rows": {"algo": "lora", "dora_wd": True},
    "dora of columns": {"algo": "lora", "dora_wd": True, "wd_on_out": False},
    "dora of a loha": {"algo": "loha", "dora_wd": True},
    "dora of a lokr": {"algo": "lokr", "dora_wd": True, "factor": 4},
    "full": {"algo": "full"},
    "ia3": {"algo": "ia3"},
    "glora": {"algo": "glora"},
    "oft": {"algo": "diag-oft"},
    "oft with lengths": {"algo": "diag-oft", "rescaled": True},
    "oft with a bound": {"algo": "diag-oft", "constraint": 0.001},
    "boft": {"algo": "boft"},
    "norms as well": {"algo": "lora", "train_norm": True},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    models_in(folder, ("sd",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def trained(network: Any) -> dict[str, Tensor]:
    """A network's tensors by kohya's names, each moved by chance as a training would."""
    draw = torch.Generator().manual_seed(1)
    tensors: dict[str, Tensor] = {}
    for module in network.loras:
        for parameter in module.parameters():
            parameter.data += torch.randn(parameter.shape, generator=draw) * 0.1
        name = "lora_unet_" + module.lora_name.removeprefix("lycoris_")
        tensors |= {f"{name}.{ending}": tensor.detach().clone() for ending, tensor in module.state_dict().items()}
    return tensors


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_file_of_lycoris_does_what_its_network_does(home, name):
    """Its network in use, as it was trained: what it merges has the scale of a LoHa and a LoKr twice."""
    bundle, other = load(home, "sd"), load(home, "sd")
    LycorisNetwork.apply_preset({"target_module": MODULES})
    settings: dict[str, Any] = {"linear_dim": 4, "linear_alpha": 2.0, "conv_dim": 4, "conv_alpha": 2.0}
    network = create_lycoris(other.part("unet"), 1.0, **(settings | ALGORITHMS[name]))
    network.apply_to()
    tiny_addons.save(home / "loras", "lycoris", trained(network))
    before = answer(bundle)
    with torch.no_grad():
        theirs = answer(other)
    changed = answer(with_loras(bundle, [Wanted("lycoris")]))
    assert close(changed, theirs) and not close(changed, before)
