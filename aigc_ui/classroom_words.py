"""The words of a shared studio: key -> (English, Chinese)."""

from collections.abc import Mapping

CLASSROOM_WORDS: Mapping[str, tuple[str, str]] = {
    "classroom": ("Classroom", "课堂"),
    "classroom.nobody": ("Nobody's job waits or runs.", "当前没有等待或运行中的任务。"),
    "classroom.number": ("You are visitor {number} of this shared studio.", "您是这个共享工作室的 {number} 号访客。"),
    "classroom.visitor": ("Visitor {number}", "{number} 号访客"),
    "classroom.you": ("You", "您"),
    "classroom.training": ("Training", "训练"),
    "classroom.stop": ("Stop the job of: {who}", "停止任务：{who}"),
    "classroom.no-training": (
        "In this shared studio only its owner starts trainings. The owner can let everybody do so with "
        "--allow-training.",
        "在这个共享工作室里，只有所有者可以开始训练。所有者可用 --allow-training 允许所有人训练。",
    ),
    "classroom.no-changes": (
        "In a shared studio only its owner changes models or looks through the folders.",
        "在共享工作室里，只有所有者可以更改模型或重新扫描文件夹。",
    ),
}
