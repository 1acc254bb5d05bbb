"""Every word on the page in English and Chinese, from one table; rooms and panels have parts of their own."""

from collections.abc import Iterable, Mapping

import gradio as gr

from aigc_ui.addon_words import ADDON_WORDS
from aigc_ui.classroom_words import CLASSROOM_WORDS
from aigc_ui.family_words import FAMILY_WORDS
from aigc_ui.lab_words import LAB_WORDS
from aigc_ui.library_words import LIBRARY_WORDS
from aigc_ui.making_words import MAKING_WORDS
from aigc_ui.metadata_words import METADATA_WORDS

LANGUAGES = ("en", "zh")

WORDS: Mapping[str, tuple[str, str]] = {
    **LAB_WORDS,
    **FAMILY_WORDS,
    **MAKING_WORDS,
    **METADATA_WORDS,
    **LIBRARY_WORDS,
    **ADDON_WORDS,
    **CLASSROOM_WORDS,
    # the frame of the page
    "title": ("AIGC Studio", "AIGC 工作室"),
    "tab.create": ("Create", "创作"),
    "tab.lab": ("Diffusion lab", "扩散实验室"),
    "tab.schedule": ("β schedule", "β 调度"),
    "tab.reverse": ("Back from noise", "从噪声返回"),
    "tab.points": ("Points in the plane", "平面上的点"),
    "tab.digits": ("Digits in pixels", "像素中的数字"),
    "tab.bound": ("The bound", "变分下界"),
    "language": ("Language", "语言"),
    "theme": ("Light or dark", "浅色或深色"),
    # prompt and buttons
    "field.prompt": ("Prompt", "提示词"),
    "placeholder.prompt": (
        "Describe the picture, for example: a large red circle left of a small blue star",
        "描述想要的图片，例如：黄色背景上的大红色圆形，或“一只小狐狸”",
    ),
    "field.negative_prompt": ("Negative prompt", "反向提示词"),
    "placeholder.negative_prompt": ("What the picture should not show", "图片里不应出现的内容"),
    "tokens": ("{tokens}/{room} tokens", "{tokens}/{room} 个词元"),
    "tokens.chunks": (" in {chunks} chunks", "，分 {chunks} 段"),
    "tokens.beyond": (
        " · the last {left_out} are beyond what is read",
        " · 最后 {left_out} 个超出可读长度",
    ),
    "tokens.help": (
        "How much the prompt takes of what the text encoder reads at once; a longer one goes on in a new chunk.",
        "提示词占用了文本编码器一次可读长度的多少；更长的提示词会接到下一段。",
    ),
    "group.prompt": ("How the prompt is read", "提示词的读法"),
    "field.prompt_syntax": ("Prompt syntax", "提示词语法"),
    "field.emphasis": ("Emphasis", "强调方式"),
    "field.style": ("Style", "风格"),
    "info.style": ("From styles.csv beside the models.", "来自模型旁的 styles.csv。"),
    "prompt.help": (
        "`(word:1.3)` weighs more, `[word]` less. `[cat:dog:0.5]` changes halfway, `[cat|dog]` at every step. `AND` "
        "joins several conditions, `BREAK` begins a new chunk. `{a|b}` and `__list__` leave it to the seed; lists are "
        "text files in `wildcards`. Ctrl + ↑ or ↓ changes the weight of what is selected. Emphasis says whether "
        "A1111's weights keep the embedding's mean.",
        "`(词:1.3)` 加重，`[词]` 减轻。`[猫:狗:0.5]` 在中途替换，`[猫|狗]` 每步交替。"
        "`AND` 组合多个条件，`BREAK` 另起一段。"
        "`{a|b}` 与 `__list__` 由种子决定；词表是 `wildcards` 文件夹里的文本文件。"
        "选中文字后按 Ctrl + ↑ 或 ↓ 调整权重。强调方式决定 A1111 权重是否保持嵌入的均值。",
    ),
    "examples": ("Try", "试试"),
    "sketch": ("Sketch while typing", "边输入边画"),
    "sketch.help": (
        "A rough picture in four steps, again with every pause in typing. Nothing is saved.",
        "每次停顿时用四步画出草图，不会保存。",
    ),
    # the picture to start from
    "start": ("Start from a picture", "从图片开始"),
    "start.how": ("drop, paste or choose one", "拖放、粘贴或选择"),
    "start.busy": ("Loading …", "正在载入……"),
    "start.picture": ("Start picture", "起始图片"),
    "start.masked": ("Start picture with a mask", "起始图片与蒙版"),
    "start.remove": ("Remove the start picture", "移除起始图片"),
    "start.none": (
        "What was dropped is not a picture. Take a PNG, JPEG, WebP or GIF file.",
        "拖入的不是图片。请使用 PNG、JPEG、WebP 或 GIF 文件。",
    ),
    "start.gone": (
        "The start picture of these settings, or its mask, is not kept any more. Choose it again to repeat them.",
        "这些设置的起始图片或其蒙版已不在工作室中。要重现，请重新选择。",
    ),
    "field.image": ("Start picture", "起始图片"),
    "field.mask_image": ("Mask", "蒙版"),
    "field.strength": ("Strength", "重绘强度"),
    "info.strength": (
        "How much of the picture is made anew: little at 0.2, nearly all at 1.",
        "起始图片被重新生成的程度：0.2 改动很小，1 几乎全部重画。",
    ),
    "mask": ("What to paint anew", "选择要重绘的部分"),
    "mask.help": (
        "Paint over what should change. All the rest stays as it is, to the pixel. "
        "The wheel or two fingers look closer.",
        "涂抹想要改变的部分，其余部分逐像素保持不变。滚轮或双指可放大查看。",
    ),
    "mask.paint": ("Paint a mask", "绘制蒙版"),
    "mask.edit": ("Edit mask", "修改蒙版"),
    "mask.remove": ("No mask", "不用蒙版"),
    "mask.brush": ("Brush", "画笔"),
    "mask.eraser": ("Eraser", "橡皮"),
    "mask.size": ("Size", "大小"),
    "mask.undo": ("Undo", "撤销"),
    "mask.redo": ("Redo", "重做"),
    "mask.clear": ("Clear", "清空"),
    "mask.fill": ("Fill", "全选"),
    "mask.whole": ("Whole picture", "显示整图"),
    "mask.invert": ("Invert", "反选"),
    "mask.done": ("Done", "完成"),
    "mask.close": ("Leave it as it was", "不保存修改"),
    "generate": ("Generate", "生成"),
    "stop": ("Stop", "停止"),
    "estimate": ("Memory: about {needed} of {free}", "内存：约需 {needed}，可用 {free}"),
    "estimate.bridge": (
        "{pipeline}, through the bridge: diffusers' own loop paints. It cannot use: {fields}.",
        "{pipeline}，经由桥接：由 diffusers 自己的循环绘制。不能使用：{fields}。",
    ),
    "estimate.tiles": ("; decoding goes by tiles", "；分块解码"),
    "estimate.visits": ("; encoders and decoder wait in main memory", "；文本编码器和解码器在主内存中等待"),
    "estimate.leaves": ("; layers wait in main memory, which is slow", "；网络各层在主内存中等待，速度较慢"),
    "estimate.main_memory": ("; the CPU does the work, which is slow", "；由 CPU 计算，速度较慢"),
    "estimate.more": (" for the weights; painting needs more", "（仅权重）；绘制时还需更多"),
    "estimate.none": ("; too little: choose a smaller size or model", "；内存不足：请选择更小的尺寸或模型"),
    "decode.again": ("Decode again", "重新解码"),
    "keys": ("{key} + Enter generates, Esc stops", "{key} + Enter 生成，Esc 停止"),
    # settings
    "settings": ("Settings", "设置"),
    "field.model": ("Model", "模型"),
    "field.sampler": ("Sampler", "采样器"),
    "field.num_inference_steps": ("Steps", "步数"),
    "field.guidance_scale": ("Guidance", "引导强度"),
    "info.guidance_scale": (
        "How strongly the prompt pulls (CFG scale); 1 is off.",
        "提示词的作用强度（CFG scale）；1 为关闭。",
    ),
    "field.seed": ("Seed", "随机种子"),
    "info.seed": ("-1 draws a new one each time.", "-1 表示每次随机。"),
    "seed.random": ("Random", "随机"),
    "seed.last": ("Reuse last", "沿用上次"),
    "group.size": ("Size and count", "尺寸与数量"),
    "field.width": ("Width", "宽度"),
    "field.height": ("Height", "高度"),
    "field.count": ("Pictures", "图片数量"),
    "info.count": ("Made together, seeds counting up.", "同时生成，种子依次加一。"),
    "field.clip_skip": ("CLIP skip", "CLIP 跳过层"),
    "info.clip_skip": ("1 reads the encoder to its end, 2 stops a layer before.", "1 读到编码器末层，2 提前一层停止。"),
    "field.vae": ("Decoder (VAE)", "解码器（VAE）"),
    "info.vae": ("Files and folders in models/vae appear here.", "models/vae 中的文件和文件夹会出现在这里。"),
    "choice.vae.automatic": ("The model's own", "模型自带"),
    "field.upscale": ("Enlarge", "放大"),
    "info.upscale": ("Automatic brings small ones to 512 px.", "自动：小图放大到 512 像素。"),
    "group.guidance": ("Guidance in detail", "引导细节"),
    "field.guidance_rescale": ("Guidance rescale", "引导重缩放"),
    "info.guidance_rescale": (
        "Takes back the over-contrast of strong guidance; 0 is off.",
        "减轻强引导造成的过度对比；0 为关闭。",
    ),
    "guidance.help": (
        "Guide only a part of the steps, for more variety or a calmer picture: 0 is the first step, 1 the last.",
        "只在一部分步骤中引导，让画面更多样或更柔和：0 为第一步，1 为最后一步。",
    ),
    "field.guidance_start": ("From (0 to 1)", "从（0 到 1）"),
    "field.guidance_end": ("Until (0 to 1)", "到（0 到 1）"),
    "group.sampling": ("Noise levels and randomness", "噪声水平与随机性"),
    "field.sigma_schedule": ("σ spacing", "σ 间距"),
    "info.sigma_schedule": (
        "Which noise levels the steps visit. Elsewhere called schedule type.",
        "各步所经过的噪声水平。其他工具里称为 schedule type。",
    ),
    "field.eta": ("Fresh noise η", "新噪声 η"),
    "info.eta": (
        "Noise added back at each step by DDIM and the ancestral samplers; 0 is deterministic.",
        "DDIM 与祖先采样器每步重新加入的噪声；0 为确定性采样。",
    ),
    "group.beta": ("Training noise schedule (β_t)", "训练噪声调度（β_t）"),
    "beta.help": (
        "β₁ … β_T say how much noise each training step adds, and so which path of noise levels σ the sampler walks "
        "back. This is *not* the schedule type “Beta” of other tools, which only spaces the steps: for that, "
        "see σ spacing.",
        "β₁ … β_T 表示训练时每一步加入多少噪声，也就决定了采样器沿怎样的噪声水平 σ 返回。"
        "它*不是*其他工具里名为 “Beta” 的 schedule type（那只决定步的间距，请看“σ 间距”）。",
    ),
    "field.beta_schedule": ("β schedule", "β 调度"),
    "field.beta_start": ("β start", "β 起点"),
    "info.beta_start": ("0 takes the schedule's own.", "0 表示采用该调度自己的值。"),
    "field.beta_end": ("β end", "β 终点"),
    "info.beta_end": ("0 takes the schedule's own.", "0 表示采用该调度自己的值。"),
    "field.offset": ("Offset s", "偏移 s"),
    "info.offset": (
        "Keeps the first β from vanishing; the paper takes 0.008.",
        "使最初的 β 不至于消失；论文取 0.008。",
    ),
    "field.num_train_timesteps": ("T, training steps", "T（训练步数）"),
    "info.num_train_timesteps": ("How many β there are.", "β 的个数。"),
    "group.more": ("More", "更多"),
    # names of choices
    "choice.sampler.ddpm": ("DDPM", "DDPM"),
    "choice.sampler.ancestral": ("Ancestral (DDPM)", "祖先采样（DDPM）"),
    "choice.sampler.ddim": ("DDIM", "DDIM"),
    "choice.sampler.euler": ("Euler", "Euler"),
    "choice.sampler.euler_ancestral": ("Euler a", "Euler a"),
    "choice.sampler.heun": ("Heun", "Heun"),
    "choice.sampler.dpmpp_2m": ("DPM++ 2M", "DPM++ 2M"),
    "choice.sampler.dpmpp_2m_sde": ("DPM++ 2M SDE", "DPM++ 2M SDE"),
    "choice.sampler.unipc": ("UniPC", "UniPC"),
    "choice.model.aigc-mini": ("AIGC mini (built in)", "AIGC mini（内置）"),
    "choice.beta_schedule.model": ("The model's own", "模型自带"),
    "choice.beta_schedule.linear": ("Linear (DDPM)", "线性（DDPM）"),
    "choice.beta_schedule.scaled_linear": ("Scaled linear (Stable Diffusion)", "缩放线性（Stable Diffusion）"),
    "choice.beta_schedule.cosine": ("Cosine (Improved DDPM)", "余弦（Improved DDPM）"),
    "choice.beta_schedule.sigmoid": ("Sigmoid", "Sigmoid"),
    "choice.beta_schedule.quadratic": ("Quadratic", "二次"),
    "choice.beta_schedule.constant": ("Constant", "常数"),
    "choice.prompt_syntax.a1111": ("A1111", "A1111"),
    "choice.prompt_syntax.comfyui": ("ComfyUI", "ComfyUI"),
    "choice.prompt_syntax.plain": ("Plain words", "纯文本"),
    "choice.emphasis.original": ("Original", "保持均值"),
    "choice.emphasis.no_norm": ("No norm", "不归一"),
    "choice.style.none": ("None", "无"),
    "choice.upscale.auto": ("Automatic", "自动"),
    "choice.upscale.none": ("As it is made", "保持原样"),
    "choice.upscale.2x": ("Twice as large", "放大 2 倍"),
    "choice.upscale.4x": ("Four times as large", "放大 4 倍"),
    "field.factor": ("Enlarged", "放大倍数"),
    "choice.factor.2x": ("2×", "2 倍"),
    "choice.factor.4x": ("4×", "4 倍"),
    # live view
    "live": ("Live view", "实时视图"),
    "live.x": ("Noisy picture x\u209c", "含噪图片 x\u209c"),
    "live.x.help": ("what the sampler holds: picture + σ · noise", "采样器手中的画面：图片 + σ · 噪声"),
    "live.x0": ("Current guess x̂₀", "当前猜测 x̂₀"),
    "live.x0.help": ("the clean picture that the model sees in it", "模型从中看出的干净图片"),
    "live.done": ("Finished picture", "完成的图片"),
    "live.done.help": ("saved with its recipe", "已连同配方保存"),
    "live.stopped": ("Picture as it was stopped", "停止时的图片"),
    "live.stopped.help": ("saved as far as it came", "已保存停止时的进度"),
    "live.before": ("Picture before", "原图"),
    "live.before.help": ("as it was", "放大之前"),
    "live.enlarged": ("Enlarged picture", "放大后的图片"),
    "live.enlarged.help": ("appears when it is done", "完成后显示在这里"),
    "live.sketch": ("Sketch", "草图"),
    "live.sketch.help": ("four steps while you type; not saved", "边输入边画的四步草图，不保存"),
    "live.empty": ("Your picture appears here, from the first step on.", "图片将从第一步起出现在这里。"),
    "live.step": ("Step {step} of {total}", "第 {step} / {total} 步"),
    "live.start": ("Pure noise, before step 1 of {total}", "纯噪声，共 {total} 步"),
    "live.noised": ("The start picture under noise, before step 1 of {total}", "加噪后的起始图片，共 {total} 步"),
    "live.left": ("about {seconds} s left", "约剩 {seconds} 秒"),
    "live.play": ("Play the steps", "播放各步"),
    "live.pause": ("Pause", "暂停"),
    "live.scrub": ("Step to look at", "查看的步"),
    "film.save": ("Save the steps as {kind}", "将各步保存为 {kind}"),
    "film.few": ("A film needs two steps or more; here are fewer.", "影片至少需要两步，这里不足两步。"),
    "film.busy": ("Making the film …", "正在制作影片……"),
    "live.lost": (
        "Connection lost; the picture goes on and will be found again …",
        "连接中断；生成仍在继续，正在重新连接……",
    ),
    "state.sending": ("Sending …", "正在提交……"),
    "state.waiting": ("Waiting", "排队中"),
    "state.again": (
        "Waiting to run again: the studio was closed while it ran",
        "等待重新运行：工作室曾在生成途中关闭",
    ),
    "state.running": ("Running", "进行中"),
    "state.interrupted": ("Interrupted", "已中断"),
    "state.unsaved": ("Finished, not saved yet", "已完成，尚未保存"),
    "state.starting": ("Starting …", "正在开始……"),
    "state.stopping": ("Stopping …", "正在停止……"),
    "state.done": ("Finished", "已完成"),
    "state.cancelled": ("Stopped", "已停止"),
    "state.failed": ("Failed", "失败"),
    "stage.loading": ("Loading the model …", "正在加载模型……"),
    "stage.encoding": ("Reading the prompt …", "正在理解提示词……"),
    "stage.denoising": ("Denoising", "去噪"),
    "stage.sampling": ("Denoising", "去噪"),
    "stage.decoding": ("Decoding the picture …", "正在解码图片……"),
    "stage.upscaling": ("Enlarging …", "正在放大……"),
    "stage.saving": ("Saving …", "正在保存……"),
    # queue
    "queue": ("Queue", "队列"),
    "queue.up": ("Move up", "上移"),
    "queue.down": ("Move down", "下移"),
    "queue.remove": ("Remove", "移除"),
    "queue.stop": ("Stop", "停止"),
    "queue.watch": ("Watch this one", "查看这个任务"),
    "queue.position": ("#{position} in line", "排第 {position}"),
    "queue.again": ("again, after a restart", "重启后重新运行"),
    "job.upscale": ("Enlarged {factor}×", "放大 {factor} 倍"),
    "prompt.empty": ("no prompt", "无提示词"),
    "pictures": ("{count} pictures", "{count} 张"),
    # results
    "results": ("Pictures", "图片"),
    "results.empty": ("Pictures you make stay here.", "生成的图片会保留在这里。"),
    "results.more": ("Show older ones", "显示更早的图片"),
    "results.open": ("Open picture: {prompt}", "打开图片：{prompt}"),
    "unfinished": ("stopped early", "提前停止"),
    "detail": ("Picture and recipe", "图片与配方"),
    "detail.use": ("Use these settings", "使用这些设置"),
    "detail.seed": ("Use seed only", "仅使用种子"),
    "detail.start": ("Use as start", "作为起始图片"),
    "detail.enlarge": ("Enlarge {factor}×", "放大 {factor} 倍"),
    "detail.gone": ("not kept any more", "已不再保留"),
    "detail.download": ("Download", "下载"),
    "detail.copy": ("Copy as text", "复制为文本"),
    "detail.copied": ("Copied", "已复制"),
    "detail.parameters": ("Parameters as other tools read them", "其他工具可读的参数"),
    "detail.close": ("Close", "关闭"),
    "detail.previous": ("Newer picture", "较新的图片"),
    "detail.next": ("Older picture", "较早的图片"),
    "detail.created": ("Made", "生成时间"),
    "detail.unfinished": ("Stopped after step", "停止于第几步"),
    "detail.template": ("Written as", "原提示词"),
    "detail.notes": ("Notes", "说明"),
    "settings.taken": ("The settings of that picture are in the controls.", "已载入该图片的设置。"),
    "settings.some": ("Taken over, except: {names}.", "已载入，但不包括：{names}。"),
    # when something goes wrong
    "failed.unsaved": (
        "Finished pictures that could not be saved: {count}. The disk is full or cannot be written to. The studio "
        "holds them and tries again every half minute.",
        "已完成但未能保存的图片：{count} 张。磁盘已满或无法写入。工作室会暂存这些图片，每半分钟重试一次。",
    ),
    "failed.interrupted": (
        "The studio ended suddenly twice while this ran, so it was not started a third time. Try it again; where "
        "memory is short, choose a smaller size or fewer pictures first.",
        "工作室在运行此任务时两次意外退出，因此没有第三次启动它。可以再试一次；如果内存不足，请先减小尺寸或数量。",
    ),
    "save.again": ("Save again", "重新保存"),
    "save.done": ("The pictures are saved now.", "图片现已保存。"),
    "run.again": ("Try again", "再试一次"),
    "error.server": (
        "The studio did not answer. Is it still running? Try again in a moment.",
        "工作室没有响应。它还在运行吗？请稍后再试。",
    ),
    "error.dismiss": ("Dismiss", "关闭提示"),
}


def text(key: str, language: str = "en") -> str:
    """One word or sentence; raises KeyError for a key that the table lacks."""
    return WORDS[key][LANGUAGES.index(language)]


def table() -> dict[str, dict[str, str]]:
    """language -> key -> text, as the page's own scripts take it."""
    return {language: {key: both[i] for key, both in WORDS.items()} for i, language in enumerate(LANGUAGES)}


def translations(keys: Iterable[str]) -> gr.I18n:
    """These words of the table for Gradio's components, under every name that a Chinese browser may ask for."""
    english, chinese = ({key: text(key, language) for key in keys} for language in LANGUAGES)
    return gr.I18n(**dict.fromkeys(("zh", "zh-CN", "zh-TW", "zh-HK"), chinese), en=english)


def has(key: str) -> bool:
    return key in WORDS
