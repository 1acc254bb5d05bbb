"""The words of add-ons: LoRAs, ControlNets, IP-Adapters, upscalers."""

from collections.abc import Mapping

ADDON_WORDS: Mapping[str, tuple[str, str]] = {
    "group.addons": ("Add-ons", "附加模型"),
    "field.loras": ("LoRAs", "LoRA 列表"),
    "placeholder.loras": ("name:0.8, other:0.5", "名称:0.8, 另一个:0.5"),
    "info.loras": (
        "Names with their weights; 0 is without, 1 as trained. A second number is for the text encoder.",
        "名称与权重；0 为不用，1 为训练时的强度。第二个数用于文本编码器。",
    ),
    "addons.loras": ("Installed LoRAs", "已安装的 LoRA"),
    "addons.insert": ("Use {name}", "使用 {name}"),
    "addons.drop": ("Leave out {name}", "不使用 {name}"),
    "control.picture": ("Control picture", "控制图片"),
    "control.how": ("choose the picture to follow", "选择要遵循的图片"),
    "control.hint": (
        "Depth, pose, normals and the like are not computed here: bring them as a picture that another tool made, and "
        "let the ControlNet see the picture itself. Edges (Canny) are found in any picture. Scribbles are drawn here, "
        "white on black; dark lines on white go as their negative.",
        "深度、姿态、法线等图不在这里计算：请使用其他工具生成的图片，并让 ControlNet 看到图片本身。"
        "边缘（Canny）可从任意图片提取。涂鸦可在这里画（黑底白线）；白底深色线条请选反相。",
    ),
    "scribble.draw": ("Draw lines", "手绘线条"),
    "scribble.edit": ("Edit the drawing", "修改线条"),
    "scribble.help": (
        "Draw what a ControlNet for scribbles or lines shall follow. The wheel or two fingers look closer.",
        "画出涂鸦或线稿类 ControlNet 要遵循的线条。滚轮或双指可放大查看。",
    ),
    "control.busy": ("one moment …", "请稍候……"),
    "control.remove": ("Remove control picture", "移除控制图片"),
    "control.seen": ("What the ControlNet sees", "ControlNet 看到的内容"),
    "control.gone": ("The control picture is not kept any more. Choose it again.", "控制图片已不再保留，请重新选择。"),
    "field.control_image": ("Control picture", "控制图片"),
    "field.control_model": ("ControlNet", "ControlNet 模型"),
    "choice.control_model.none": ("None", "无"),
    "field.control_type": ("It sees", "它看到的是"),
    "choice.control_type.plain": ("The picture itself", "图片本身"),
    "choice.control_type.canny": ("Its edges (Canny)", "边缘（Canny）"),
    "choice.control_type.inverted": ("Its negative", "反相图片"),
    "field.control_low": ("Edges: leave out below", "边缘：低于此值则舍弃"),
    "field.control_high": ("Edges: keep above", "边缘：高于此值则保留"),
    "field.control_scale": ("Control strength", "控制强度"),
    "field.control_start": ("Control from (0 to 1)", "控制起点（0 到 1）"),
    "field.control_end": ("Control until (0 to 1)", "控制终点（0 到 1）"),
    "reference.picture": ("Reference picture", "参考图片"),
    "reference.how": (
        "choose or drop the picture whose content or style to follow",
        "选择或拖入图片，遵循其内容或风格",
    ),
    "reference.remove": ("Remove reference picture", "移除参考图片"),
    "reference.gone": (
        "The reference picture is not kept any more. Choose it again.",
        "参考图片已不再保留，请重新选择。",
    ),
    "field.ip_image": ("Reference picture", "参考图片"),
    "field.ip_model": ("IP-Adapter", "IP-Adapter 适配器"),
    "choice.ip_model.none": ("None", "无"),
    "field.ip_scale": ("Reference strength", "参考强度"),
    "field.ip_start": ("Reference from (0 to 1)", "参考起点（0 到 1）"),
    "field.ip_end": ("Reference until (0 to 1)", "参考终点（0 到 1）"),
    "field.upscaler": ("Enlarged by", "放大模型"),
    "choice.upscaler.aigc": ("AIGC flat art (built in)", "AIGC 平面插画（内置）"),
}
