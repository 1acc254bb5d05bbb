"""The words of the models' tab: key -> (English, Chinese)."""

from collections.abc import Mapping

LIBRARY_WORDS: Mapping[str, tuple[str, str]] = {
    "tab.models": ("Models", "模型"),
    "library.search": ("Search by name, title or author", "按名称、标题或作者搜索"),
    "library.every-kind": ("Every kind ({count})", "全部种类（{count}）"),
    "library.every-base": ("Every base", "全部基础模型"),
    "library.scan": ("Look through the folders again", "重新扫描文件夹"),
    "library.count": ("{shown} of {total} models", "{total} 个模型中的 {shown} 个"),
    "library.hashing": ("{left} files are still being hashed", "还有 {left} 个文件正在计算哈希"),
    "library.more": ("Show more", "显示更多"),
    "library.none": ("No model fits this search.", "没有符合条件的模型。"),
    "library.where": (
        "Put checkpoints (.safetensors) or diffusers folders into models/, LoRAs into models/loras, VAEs into "
        "models/vae, text encoders into models/text_encoders. Trees of A1111 and ComfyUI are used in place with "
        "--models-dir or --extra-model-paths-config.",
        "把检查点（.safetensors）或 diffusers 文件夹放进 models/，LoRA 放进 models/loras，VAE 放进 models/vae，"
        "文本编码器放进 models/text_encoders。用 --models-dir 或 --extra-model-paths-config 可直接使用 AUTOMATIC1111 "
        "和 ComfyUI 的目录。",
    ),
    "library.memory": ("in memory on {device}: {size}", "已载入 {device}：{size}"),
    "library.load": ("Load", "载入"),
    "library.unload": ("Unload", "卸载"),
    "library.use": ("Use in Create", "用于创作"),
    "library.used": ("{name} is chosen in Create.", "已在“创作”中选择 {name}。"),
    "library.remove": ("Remove", "移除"),
    "library.confirm": (
        "It lies in another tool's folder. Press once more to take it out of there.",
        "它位于其他工具的文件夹中。再按一次将其移出。",
    ),
    "library.removed": ("{name} was removed.", "已移除 {name}。"),
    "library.undo": ("Bring back {name}", "恢复 {name}"),
    "library.notes": ("Your notes", "我的笔记"),
    "library.kept": ("kept", "已保存"),
    "library.triggers": ("Trigger words: press to copy", "触发词：点击复制"),
    "library.copied": ("copied", "已复制"),
    "library.size": ("Size", "大小"),
    "library.place": ("Folder", "文件夹"),
    "library.dtype": ("Numbers", "数值类型"),
    "library.prediction": ("Predicts", "预测"),
    "library.assumed": ("{what}, assumed: nothing in the file says", "{what}（推测：文件中没有说明）"),
    "library.hash": ("Hash", "哈希"),
    "library.hash-later": ("being counted", "计算中"),
    "library.author": ("Author", "作者"),
    "library.licence": ("Licence", "许可"),
    "library.rank": ("Rank", "秩"),
    "library.unusable": ("Cannot be used", "无法使用"),
    "kind.pipeline": ("diffusers folder", "diffusers 文件夹"),
    "kind.checkpoint": ("checkpoint", "检查点"),
    "kind.denoiser": ("denoiser alone", "仅去噪网络"),
    "kind.vae": ("VAE", "VAE 自编码器"),
    "kind.text_encoder": ("text encoder", "文本编码器"),
    "kind.lora": ("LoRA", "LoRA 微调"),
    "kind.textual_inversion": ("textual inversion", "文本反演"),
    "kind.controlnet": ("ControlNet", "ControlNet 控制网络"),
    "kind.ip_adapter": ("IP-Adapter", "IP-Adapter 适配器"),
    "kind.upscaler": ("upscaler", "放大器"),
    "kind.motion_module": ("motion module", "运动模块"),
    "kind.image_encoder": ("image encoder", "图像编码器"),
    "kind.unknown": ("unknown", "未知"),
}
