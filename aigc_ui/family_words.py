"""The words of the families' room in English and Chinese: its part of the table in aigc_ui.words."""

from collections.abc import Mapping

FAMILY_WORDS: Mapping[str, tuple[str, str]] = {
    "tab.families": ("Families", "模型家族"),
    "tab.family-race": ("Race", "赛跑"),
    "tab.latents": ("Latents", "潜空间"),
    "tab.round-trip": ("There and back", "往返"),
    "tab.family-training": ("Train and break", "训练与出错"),
    "tab.family-own": ("Your models", "自己的模型"),
    "family.data": ("real pictures", "真实图片"),
    "family.source": ("Your picture", "原图"),
    "family.gan": ("GAN", "GAN（生成对抗网络）"),
    "family.vae": ("VAE", "VAE（变分自编码器）"),
    "family.vq": ("Vector-quantised", "VQ（向量量化）"),
    "family.flow": ("Normalising flow", "标准化流"),
    "family.diffusion": ("Diffusion", "扩散"),
    "family.flow-matching": ("Flow matching", "流匹配"),
    "choice.family.gan": ("GAN", "GAN（生成对抗网络）"),
    "choice.family.vae": ("VAE", "VAE（变分自编码器）"),
    "choice.family.vq": ("Vector-quantised, token by token", "VQ（向量量化），逐个记号"),
    "choice.family.flow": ("Normalising flow", "标准化流"),
    "choice.family.diffusion": ("Diffusion", "扩散"),
    "choice.family.flow-matching": ("Flow matching", "流匹配"),
    "family.each": ("-1 asks for one of each.", "-1 表示每类一个。"),
    "family.own": ("-1 takes the picture's own.", "-1 取图片自己的类别。"),
    # the race
    "race.help": (
        "One data set, one seed, the same base noise z for all. A GAN and a VAE decode it in one shot, a flow inverts "
        "its layers, the vector-quantised one writes token after token, diffusion and flow matching take many steps. "
        "They take turns on one thread, and each clock counts its own computing only.",
        "同一数据集，同一种子，同样的基础噪声 z。GAN 与 VAE 一次解码，流逐层求逆，VQ 逐个写出记号，"
        "扩散与流匹配走许多步。它们在同一线程上轮流计算，各自的钟只计自己的时间。",
    ),
    "race.start": ("Start the race", "开始赛跑"),
    "race.loading": ("Loading …", "加载中……"),
    "race.running": ("On the way …", "进行中……"),
    "race.over": (
        "{first} was first; {last} took {times} times as long.",
        "{first} 最先完成；{last} 用了 {times} 倍的时间。",
    ),
    "race.line": ("{time} · network calls: {calls}", "{time} · 网络调用 {calls} 次"),
    "race.line.done": ("done in {time} · network calls: {calls}", "用时 {time} · 网络调用 {calls} 次"),
    "score.title": ("How good each is", "各有多好"),
    "score.help": (
        "Measured of the shipped models with 4 × 298 samples, ± half the 95 % interval; the first row is what real "
        "training pictures score. Fréchet: lower is better. Precision: how many samples look real; recall: how much of "
        "the real variety is there. Bits per dimension: lower is better; – where a family has no likelihood.",
        "对随附模型用 4 × 298 个样本测得，± 为 95 % 区间的一半；第一行是真实训练图片的得分。弗雷歇距离越低越好。"
        "精确率：多少样本像真的；召回率：真实的多样性覆盖了多少。每维比特数越低越好；没有似然的家族记为 –。",
    ),
    "score.frechet": ("Fréchet", "弗雷歇"),
    "score.frechet.help": ("In the features of a small judge of ours", "在我们的小评判网络的特征中"),
    "score.frechet_pixels": ("in pixels", "像素中"),
    "score.frechet_pixels.help": ("Fréchet distance on 8 × 8 colours", "8 × 8 颜色上的弗雷歇距离"),
    "score.precision": ("Precision", "精确率"),
    "score.precision.help": ("Samples that lie among real pictures", "落在真实图片之中的样本"),
    "score.recall": ("Recall", "召回率"),
    "score.recall.help": ("Real pictures that lie among samples", "落在样本之中的真实图片"),
    "score.accuracy": ("Class", "类别"),
    "score.accuracy.help": ("Samples that the judge reads as the class asked for", "评判读作所要类别的样本"),
    "score.bits": ("Bits/dim", "比特/维"),
    "score.bits.help": ("−log₂ p(x) on held-out pictures, or a bound of it", "留出图片上的 −log₂ p(x) 或其上界"),
    "score.milliseconds": ("A picture", "每张"),
    "score.milliseconds.help": ("Time a picture, in a batch of ten", "十张一批时每张的时间"),
    "score.evaluations": ("Calls", "调用"),
    "score.evaluations.help": ("Network evaluations a batch", "每批的网络调用次数"),
    "score.parameters": ("Weights", "权重数"),
    "score.parameters.help": ("Numbers in the networks, a discriminator among them", "网络中的参数个数，含判别器"),
    # latents
    "latents.help": (
        "The corners are the base noise of four seeds. Drag the dot: every family shows what it makes of that place.",
        "四角是四个种子的基础噪声。拖动圆点：每个家族都显示它把同一位置变成什么。",
    ),
    "latents.pad": ("Place between four seeds; arrow keys move it", "四个种子之间的位置；方向键可移动"),
    "latents.where": ("across {across} · down {down}", "横 {across} · 纵 {down}"),
    "latents.told": ("{time} · length {length}", "{time} · 长度 {length}"),
    "manifold.title": ("The whole plane of a VAE whose z has two numbers", "z 只有两个数的 VAE：它的整个平面"),
    "manifold.help": (
        "Evenly spaced by probability: every part of the square is as likely as any other. Move over it.",
        "按概率均匀排列：方形的每一部分可能性相同。在上面移动指针。",
    ),
    "manifold.here": ("The digit under the pointer", "指针处的数字"),
    "field.interpolation": ("Interpolation", "插值"),
    "choice.interpolation.slerp": ("Spherical (slerp)", "球面（slerp）"),
    "choice.interpolation.lerp": ("Straight (lerp)", "直线（lerp）"),
    "field.temperature": ("Temperature of z", "z 的温度"),
    "info.temperature": (
        "The deviation of base noise: lower is safer and more alike, as a GAN's truncation.",
        "基础噪声的标准差：越低越稳妥、越相似，即 GAN 的截断。",
    ),
    # there and back
    "trip.help": (
        "Your picture into base noise and back. The VAE encodes, the flow inverts exactly, the vector-quantised one "
        "writes tokens, diffusion and flow matching go their way backwards in 50 steps; a GAN has no way back and "
        "searches. They only know what they were trained on: see what they make of anything else.",
        "把你的图片变成基础噪声再变回来。VAE 编码，流精确求逆，VQ 写成记号，扩散与流匹配用 50 步倒着走；"
        "GAN 没有回头路，只能搜索。它们只认识训练过的东西：看看它们把别的图变成什么。",
    ),
    "trip.under_way": ("on its way", "进行中"),
    "trip.told": (
        "error {error} · {numbers} numbers for {of} · {time}",
        "误差 {error} · {of} 个数记为 {numbers} 个 · {time}",
    ),
    "field.index": ("Held-out picture", "留出图片"),
    "info.index": ("One that no family was trained on.", "任何家族都未训练过的图片。"),
    # training in front of the class
    "family.help": (
        "Any family learns in seconds on points, in a minute or two on digits, the GAN longest. Then break it: the "
        "lessons show how.",
        "任何家族在点上几秒就能学会，在数字上要一两分钟，GAN 最久。然后把它弄坏：课程里有方法。",
    ),
    "family.best": ("data itself", "数据自身"),
    "family.figure.modes": ("Modes found", "找到的众数"),
    "family.figure.astray": ("Samples on no mode", "不在任何众数上的样本"),
    "family.figure.distance": ("Sliced Wasserstein distance", "切片 Wasserstein 距离"),
    "family.figure.bits": ("Bits per dimension", "每维比特数"),
    "family.figure.kl": ("KL of z", "z 的 KL"),
    "family.figure.told_apart": ("Pairs in which D prefers the real one", "判别器在成对比较中选真者的比例"),
    "family.judge": ("What the discriminator says", "判别器的评分"),
    "family.judge.help": (
        "D(x) of the samples and of held-out pictures: the further right, the more real it looks to the discriminator. "
        "Only differences mean something; where the two heaps lie on one another, it cannot tell.",
        "样本与留出图片的 D(x)：越靠右，判别器越觉得像真的。只有差值有意义；两堆重合时，它分不清。",
    ),
    "family.judge.made": ("samples", "样本"),
    "family.judge.real": ("held-out pictures", "留出图片"),
    "field.only": ("Who learns", "谁在学"),
    "choice.only.both": ("Both in turn", "两者轮流"),
    "choice.only.discriminator": ("For a while only the discriminator", "一段时间内只有判别器"),
    "choice.only.generator": ("For a while only the generator", "一段时间内只有生成器"),
    "field.only_from": ("Alone from step", "从第几步起单独学"),
    "field.only_steps": ("Alone for steps", "单独学多少步"),
    "family.key.samples": ("samples, always from the same base noise", "样本，总来自同样的基础噪声"),
    "family.key.real": ("data", "数据"),
    "family.key.judge": ("where the discriminator sees more data than fakes", "判别器认为真多于假的地方"),
    "family.key.density": ("where the flow's density is high", "流的密度高的地方"),
    "family.manifold": ("The plane of z: what lies where (threes)", "z 的平面：各处是什么（数字 3）"),
    "family.loss.loss": ("loss", "损失"),
    "family.loss.discriminator": ("discriminator", "判别器"),
    "family.loss.generator": ("generator", "生成器"),
    "family.loss.autoencoder": ("autoencoder", "自编码器"),
    "family.loss.prior": ("prior", "先验"),
    "field.family": ("Family", "家族"),
    "field.training_steps": ("Training steps", "训练步数"),
    "field.learning_rate": ("Learning rate", "学习率"),
    "info.learning_rate": ("0 takes the family's own.", "0 用该家族自己的。"),
    "lab.field.width": ("Network width", "网络宽度"),
    "field.generator_width": ("Generator's width", "生成器宽度"),
    "info.generator_width": ("0 takes the same as the discriminator's.", "0 与判别器相同。"),
    "field.game": ("Loss", "损失"),
    "choice.game.relativistic": ("Relativistic, with penalties (R3GAN)", "相对式，带惩罚（R3GAN）"),
    "choice.game.classic": ("The first GANs' (2014)", "最初的 GAN（2014）"),
    "field.latent": ("Dimensions of z", "z 的维数"),
    "info.latent": ("With 2, a VAE of digits shows its whole plane.", "取 2 时，数字的 VAE 会显示整个平面。"),
    "field.beta": ("β, weight of the KL term", "β，KL 项的权重"),
    "choice.data.icons": ("Icons, 32 × 32", "图标，32 × 32"),
    # models of one's own
    "own.help": (
        "Put diffusers folders with safetensors under models: a DDPMPipeline or DDIMPipeline, or a UNet2DModel, "
        "AutoencoderKL or VQModel alone. Each is checked before it is opened. Reload the page to see new ones.",
        "把带 safetensors 的 diffusers 文件夹放进 models：DDPMPipeline、DDIMPipeline，或单独的 UNet2DModel、"
        "AutoencoderKL、VQModel。打开前都会检查。刷新页面即可看到新放入的模型。",
    ),
    "own.none": ("There is no model of these kinds here yet.", "这里还没有这些种类的模型。"),
    "own.refused": ("Lies there, but cannot be read", "在那里但无法读取的"),
    "own.start": ("Draw samples", "生成样本"),
    "own.usual": (
        "Its folder says nothing of its noise, so DDPM's usual betas are taken.",
        "文件夹没有说明噪声，因此采用 DDPM 常用的 β。",
    ),
    "family.own.diffusion": (
        "{name} · {size} pixels · {mb} MB · draws without a prompt",
        "{name} · {size} 像素 · {mb} MB · 无需提示词即可生成",
    ),
    "family.own.vae": ("{name} · {mb} MB · a picture into latents and back", "{name} · {mb} MB · 图片与潜变量互变"),
    "family.own.vq": ("{name} · {mb} MB · a picture into codes and back", "{name} · {mb} MB · 图片与码字互变"),
    "family.x": ("Noisy picture xₜ", "含噪图片 xₜ"),
    "family.x0_pred": ("Current guess x̂₀", "当前猜测 x̂₀"),
    "family.again": ("And back", "再变回来"),
    "family.codes": ("Its codes: like colours lie near one another", "码字图：相近的颜色表示相近的码"),
    "family.between": ("In the latents", "潜空间中"),
    "family.faded": ("The same share of plain pixels", "像素的同样比例"),
    "family.prior": ("From the prior", "来自先验"),
    "family.own.trip": ("There and back", "往返"),
    "family.own.between": (
        "On the way to another picture, its mirror image where there is none",
        "通往另一张图片的途中；未选时为其镜像",
    ),
    "family.own.prior": ("From N(0, 1) alone", "仅来自 N(0, 1)"),
    "own.prior.help": (
        "An autoencoder alone is hardly a generator: noise becomes pictures only where its latents are like N(0, 1).",
        "单独的自编码器算不上生成器：只有潜变量接近 N(0, 1)，噪声才会变成图片。",
    ),
    "own.deviation": (
        "The latents of the picture above have a deviation of {deviation}, with N(0, 1) it would be about 1.",
        "上图潜变量的标准差为 {deviation}；若服从 N(0, 1) 应约为 1。",
    ),
    "own.codes": ("{used} of {known} codes", "用到 {used} / {known} 个码字"),
    "field.samples": ("Samples", "样本数"),
    "field.size": ("Side in pixels", "边长（像素）"),
    "field.share": ("Share of the way", "途中的位置"),
}
