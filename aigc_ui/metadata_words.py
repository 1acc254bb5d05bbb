"""Words of the panel that shows what a picture says of how it was made, in English and Chinese."""

from collections.abc import Mapping

METADATA_WORDS: Mapping[str, tuple[str, str]] = {
    "metadata": ("Settings of a picture", "图片中的设置"),
    "metadata.text": ("Settings in the pasted text", "粘贴文本中的设置"),
    "metadata.read": ("Read settings from a picture", "从图片读取设置"),
    "metadata.tool": ("Made with {tool}", "由 {tool} 生成"),
    "metadata.nothing": (
        "This picture does not say how it was made. It can still be the picture to start from.",
        "这张图片没有记录生成方式，但仍可用作起始图片。",
    ),
    "metadata.all": ("All settings", "全部设置"),
    "metadata.none": ("none", "无"),
    "metadata.unknown": ("Not applied here ({count})", "此处不会应用（{count}）"),
    "metadata.apply": ("Apply ({count})", "应用（{count}）"),
    "metadata.start": ("Use as start picture", "用作起始图片"),
    "detail.format": ("File type", "文件格式"),
}
