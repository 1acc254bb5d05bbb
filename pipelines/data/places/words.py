"""The words for places, English and Chinese; data only. The first of several is the plain one.

"{}" stands where an adjective may come.
"""

from dataclasses import dataclass

Words = tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """What a kind is called, and how one says that a thing is there, by `Spot.where`."""

    english: Words
    chinese: Words
    at: dict[str, Words]
    at_chinese: dict[str, Words]


KINDS: dict[str, Names] = {
    "mountains": Names(
        ("{}mountains", "a {}mountain range", "{}mountain peaks", "a {}mountain landscape", "tall {}mountains"),
        ("群山", "山脉", "高山", "大山", "山峰", "山景"),
        {"ground": ("in front of {}mountains", "in the {}mountains", "at the foot of {}mountains"),
         "top": ("on top of a {}mountain", "on a {}mountain", "on a {}mountain top", "on a {}mountain peak"),
         "sky": ("above {}mountains", "flying over {}mountains", "over the {}mountains")},
        {"ground": ("群山前", "山里", "山脚下", "大山前面"), "top": ("山顶上", "山上", "高山顶上"),
         "sky": ("群山上空", "山的上空")},
    ),
    "hill": Names(
        ("a {}hill", "a {}hillside", "a grassy {}hill", "{}hills"),
        ("小山", "山坡", "小山丘", "山丘"),
        {"ground": ("in front of a {}hill", "at the foot of a {}hill"),
         "top": ("on a {}hill", "on top of a {}hill", "on a {}hilltop"),
         "sky": ("above a {}hill", "flying over a {}hill", "over the {}hills")},
        {"ground": ("小山前", "山坡下"), "top": ("小山上", "山坡上", "山丘上", "小山顶上"),
         "sky": ("小山上空", "山丘上空")},
    ),
    "meadow": Names(
        ("a {}meadow", "a {}field of flowers", "a {}flower field", "a {}meadow full of flowers",
         "{}grassland with flowers"),
        ("草地", "花田", "花海", "开满鲜花的草地", "草原"),
        {"ground": ("in a {}meadow", "in a {}field of flowers", "on the {}grass", "among flowers in a {}meadow"),
         "sky": ("above a {}meadow", "flying over a {}field of flowers")},
        {"ground": ("草地上", "花田里", "花丛中", "草原上"), "sky": ("草地上空", "花田上空")},
    ),
    "farm": Names(
        ("a {}farm", "a {}farm with a red barn", "a {}farm field", "a red barn on a {}farm", "{}farmland"),
        ("农场", "农田", "有红色谷仓的农场", "田野"),
        {"ground": ("on a {}farm", "in a {}farm field", "in front of a barn on a {}farm"),
         "sky": ("above a {}farm", "flying over a {}farm")},
        {"ground": ("农场里", "农田里", "田野里"), "sky": ("农场上空", "农田上空")},
    ),
    "forest": Names(
        ("a {}forest", "the {}woods", "a {}forest clearing", "trees in a {}forest", "a {}woodland"),
        ("森林", "树林", "林间空地", "林地"),
        {"ground": ("in a {}forest", "in the {}woods", "in a {}forest clearing"),
         "sky": ("above a {}forest", "flying over a {}forest")},
        {"ground": ("森林里", "树林里", "林中", "森林中"), "sky": ("森林上空", "树林上空")},
    ),
    "park": Names(
        ("a {}park", "a {}city park", "a {}park with a bench", "a path through a {}park"),
        ("公园", "城市公园", "公园小路", "有长椅的公园"),
        {"ground": ("in a {}park", "in the {}park", "on a path in a {}park"),
         "sky": ("above a {}park", "flying over a {}park")},
        {"ground": ("公园里", "公园的小路上"), "sky": ("公园上空",)},
    ),
    "garden": Names(
        ("a {}garden", "a {}flower garden", "a {}garden with a white fence", "a {}backyard garden"),
        ("花园", "后花园", "有白色栅栏的花园", "开满花的花园"),
        {"ground": ("in a {}garden", "in the {}garden", "in a {}flower garden"),
         "sky": ("above a {}garden", "flying over a {}garden")},
        {"ground": ("花园里", "花园中"), "sky": ("花园上空",)},
    ),
    "lake": Names(
        ("a {}lake", "a {}mountain lake", "a calm {}lake", "a {}lake and mountains"),
        ("湖", "湖泊", "湖景", "山间湖泊", "平静的湖面"),
        {"ground": ("by a {}lake", "beside a {}lake", "at the edge of a {}lake", "on the shore of a {}lake"),
         "water": ("on a {}lake", "floating on a {}lake", "on the water of a {}lake"),
         "sky": ("above a {}lake", "flying over a {}lake")},
        {"ground": ("湖边", "湖畔", "湖岸上"), "water": ("湖上", "湖面上", "湖里"), "sky": ("湖面上空", "湖的上空")},
    ),
    "river": Names(
        ("a {}river", "a winding {}river", "a {}river landscape", "a {}river through green fields", "a {}stream"),
        ("河流", "小河", "弯弯的河流", "河", "小溪"),
        {"ground": ("by a {}river", "beside a {}river", "on the bank of a {}river"),
         "water": ("on a {}river", "in a {}river", "floating on a {}river"),
         "sky": ("above a {}river", "flying over a {}river")},
        {"ground": ("河边", "河岸上", "小溪边"), "water": ("河上", "河里", "河面上"),
         "sky": ("河流上空", "河的上空")},
    ),
    "waterfall": Names(
        ("a {}waterfall", "a tall {}waterfall", "a {}waterfall between cliffs"),
        ("瀑布", "高高的瀑布", "悬崖间的瀑布"),
        {"water": ("in front of a {}waterfall", "under a {}waterfall", "in the pool below a {}waterfall"),
         "sky": ("above a {}waterfall", "flying past a {}waterfall")},
        {"water": ("瀑布前", "瀑布下", "瀑布下的水潭里"), "sky": ("瀑布上空",)},
    ),
    "sea": Names(
        ("the {}sea", "the {}ocean", "the open {}sea", "a {}seascape", "{}ocean waves", "waves on the {}sea"),
        ("大海", "海洋", "海面", "海", "海景"),
        {"water": ("on the {}sea", "at sea", "in the {}ocean", "on the {}ocean", "floating on the {}sea"),
         "sky": ("above the {}sea", "flying over the {}ocean", "over the {}sea")},
        {"water": ("海上", "大海上", "海面上", "大海里"), "sky": ("大海上空", "海面上空")},
    ),
    "beach": Names(
        ("a {}beach", "a {}sandy beach", "a tropical {}beach", "a {}beach with a palm tree", "the {}seaside"),
        ("沙滩", "海滩", "海边", "有棕榈树的沙滩", "热带海滩"),
        {"ground": ("on a {}beach", "on the {}beach", "on a {}sandy beach", "at the {}seaside"),
         "water": ("on the sea off a {}beach", "on the water near a {}beach"),
         "sky": ("above a {}beach", "flying over a {}beach")},
        {"ground": ("沙滩上", "海滩上", "海边", "海边的沙滩上"), "water": ("沙滩外的海面上", "海滩边的海上"),
         "sky": ("沙滩上空", "海滩上空")},
    ),
    "island": Names(
        ("an {}island", "a small {}island", "a tropical {}island", "an {}island with palm trees",
         "a desert {}island"),
        ("小岛", "海岛", "热带小岛", "有棕榈树的小岛", "岛屿"),
        {"ground": ("on an {}island", "on a small {}island", "on a tropical {}island"),
         "water": ("on the sea near an {}island", "on the sea in front of an {}island"),
         "sky": ("above an {}island", "flying over an {}island")},
        {"ground": ("小岛上", "海岛上", "热带小岛上"), "water": ("小岛附近的海上", "小岛前的海面上"),
         "sky": ("小岛上空", "海岛上空")},
    ),
    "desert": Names(
        ("a {}desert", "a {}desert with cacti", "{}sand dunes", "a {}sandy desert", "the {}desert"),
        ("沙漠", "沙丘", "长着仙人掌的沙漠", "大沙漠"),
        {"ground": ("in a {}desert", "in the {}desert", "on {}sand dunes"),
         "sky": ("above a {}desert", "flying over the {}desert")},
        {"ground": ("沙漠里", "沙漠中", "沙丘上"), "sky": ("沙漠上空",)},
    ),
    "snow": Names(
        ("a snowy field", "a snowfield", "a snowy landscape", "a winter landscape",
         "a snow-covered field with fir trees"),
        ("雪地", "雪景", "雪原", "白茫茫的雪地", "冬天的雪地"),
        {"ground": ("in the snow", "on snow", "in a snowy field", "on a snowfield", "in a winter landscape"),
         "sky": ("above a snowy field", "flying over a snowy landscape")},
        {"ground": ("雪地里", "雪地上", "雪中", "雪原上"), "sky": ("雪地上空", "雪原上空")},
    ),
    "volcano": Names(
        ("a {}volcano", "an erupting {}volcano", "a {}volcano with lava", "a smoking {}volcano"),
        ("火山", "喷发的火山", "冒烟的火山", "流着岩浆的火山"),
        {"ground": ("in front of a {}volcano", "at the foot of a {}volcano", "near a {}volcano"),
         "sky": ("above a {}volcano", "flying past a {}volcano")},
        {"ground": ("火山前", "火山脚下", "火山旁边"), "sky": ("火山上空",)},
    ),
    "road": Names(
        ("a {}road", "a straight {}road", "a {}country road", "a {}highway", "a {}road through fields"),
        ("公路", "马路", "乡间公路", "笔直的公路", "道路"),
        {"ground": ("on a {}road", "on the {}road", "on a {}country road", "on a {}highway"),
         "sky": ("above a {}road", "flying over a {}road")},
        {"ground": ("公路上", "马路上", "乡间公路上", "路上"), "sky": ("公路上空",)},
    ),
    "village": Names(
        ("a {}village", "a small {}village", "a {}village with a church", "a {}countryside village",
         "{}village houses"),
        ("村庄", "小村庄", "乡村", "有教堂的村庄", "村子"),
        {"ground": ("in a {}village", "in front of a {}village", "in the {}countryside near a village"),
         "sky": ("above a {}village", "flying over a {}village")},
        {"ground": ("村庄里", "村庄前", "村子里", "乡村"), "sky": ("村庄上空",)},
    ),
    "street": Names(
        ("a {}street", "a {}city street", "a {}town street", "a {}street with houses",
         "a {}street with colourful houses"),
        ("街道", "街景", "小镇街道", "城市街道", "大街"),
        {"ground": ("on a {}street", "in the {}street", "on a {}city street", "in a {}town"),
         "sky": ("above a {}street", "flying over a {}town")},
        {"ground": ("街道上", "街上", "大街上", "小镇上", "马路边"), "sky": ("街道上空", "小镇上空")},
    ),
    "city": Names(
        ("a {}city skyline", "a {}city", "a {}skyline", "a {}city with skyscrapers", "{}skyscrapers",
         "a modern {}city"),
        ("城市天际线", "城市", "高楼大厦", "摩天大楼", "都市"),
        {"ground": ("in a {}city", "in front of a {}city skyline", "in the {}city"),
         "water": ("on the river in front of a {}city skyline", "on a river in a {}city"),
         "sky": ("above a {}city", "flying over a {}city", "flying over a {}city skyline")},
        {"ground": ("城市里", "城市天际线前", "高楼前"), "water": ("城市前的河上", "城市里的河面上"),
         "sky": ("城市上空", "都市上空")},
    ),
    "sky": Names(
        ("the {}sky", "a {}sky", "{}sky"),
        ("天空", "天上"),
        {"sky": ("in the {}sky", "flying in the {}sky", "up in the {}sky")},
        {"sky": ("天空中", "天上", "空中")},
    ),
    "space": Names(
        ("outer space", "space with planets and stars", "stars and planets", "planets in space",
         "a galaxy with planets", "the universe"),
        ("太空", "宇宙", "星空和行星", "外太空", "宇宙中的行星"),
        {"within": ("in space", "in outer space", "flying through space", "floating in space",
         "among stars and planets")},
        {"within": ("太空中", "宇宙中", "太空里", "外太空", "星球之间")},
    ),
    "underwater": Names(
        ("an underwater scene", "the bottom of the sea", "an underwater world", "the deep sea with corals",
         "a coral reef", "the sea floor"),
        ("海底", "水下世界", "海底世界", "珊瑚礁", "深海"),
        {"within": ("under water", "underwater", "under the sea", "swimming in the sea", "at the bottom of the sea",
         "near a coral reef")},
        {"within": ("海底", "水下", "海里", "水里", "海底世界里", "珊瑚礁旁")},
    ),
    "room": Names(
        ("a {}room", "a {}living room", "a {}room with a window", "a cosy {}room", "the inside of a {}room"),
        ("房间", "客厅", "有窗户的房间", "温馨的房间", "室内"),
        {"floor": ("in a {}room", "in a {}living room", "on the floor of a {}room", "indoors"),
         "table": ("on a table", "on a table in a {}room", "on the table in a {}living room")},
        {"floor": ("房间里", "客厅里", "房间的地板上", "屋里"), "table": ("桌子上", "房间里的桌子上", "桌上")},
    ),
    "bedroom": Names(
        ("a {}bedroom", "a {}bedroom with a bed and a window", "a cosy {}bedroom", "a bed in a {}bedroom"),
        ("卧室", "温馨的卧室", "有床的卧室", "卧房"),
        {"floor": ("in a {}bedroom", "in the {}bedroom", "on the floor of a {}bedroom"),
         "bed": ("on a bed", "on the bed in a {}bedroom", "on a bed in a {}bedroom")},
        {"floor": ("卧室里", "卧房里", "卧室的地板上"), "bed": ("床上", "卧室的床上")},
    ),
    "kitchen": Names(
        ("a {}kitchen", "a {}kitchen with a stove", "a {}kitchen with cupboards", "the inside of a {}kitchen"),
        ("厨房", "有炉灶的厨房", "家里的厨房", "干净的厨房"),
        {"floor": ("in a {}kitchen", "in the {}kitchen", "on a {}kitchen floor"),
         "table": ("on a {}kitchen counter", "on the counter of a {}kitchen")},
        {"floor": ("厨房里", "厨房的地板上"), "table": ("厨房台面上", "厨房的台面上", "灶台上")},
    ),
}  # fmt: skip

TIMES: dict[str, tuple[Words, Words]] = {
    "day": (("in the daytime", "during the day", "by day"), ("白天", "日间")),
    "sunrise": (
        ("at sunrise", "at dawn", "in the early morning", "at daybreak", "in the morning"),
        ("日出时", "清晨", "黎明", "早晨", "日出"),
    ),
    "sunset": (
        ("at sunset", "at dusk", "in the evening", "in the evening light", "during sunset"),
        ("日落时", "傍晚", "黄昏", "夕阳下", "日落"),
    ),
    "night": (("at night", "by night", "in the night", "at nighttime"), ("夜晚", "晚上", "夜里", "夜间")),
}

LOOKS: dict[tuple[str, str], tuple[Words, Words]] = {
    ("day", "clear"): (
        ("on a sunny day", "on a clear day", "under a blue sky", "in the sunshine", "at noon", "in the daytime"),
        ("晴天", "阳光下", "蓝天下", "白天", "中午", "晴朗的白天"),
    ),
    ("day", "cloudy"): (
        ("on a cloudy day", "under a cloudy sky", "in cloudy weather", "on an overcast day"),
        ("多云天空下", "阴天", "多云天气下", "阴云下"),
    ),
    ("day", "rain"): (
        ("in the rain", "on a rainy day", "in rainy weather", "in heavy rain", "under rain clouds"),
        ("雨中", "下雨", "雨天", "大雨中"),
    ),
    ("day", "snow"): (
        ("in falling snow", "while it is snowing", "on a snowy day", "in a snowfall"),
        ("下雪", "雪天", "大雪中", "飘雪"),
    ),
    ("day", "storm"): (
        ("in a thunderstorm", "in a storm", "in stormy weather", "with lightning", "during a thunderstorm"),
        ("雷雨中", "暴风雨中", "雷雨天", "电闪雷鸣"),
    ),
    ("day", "fog"): (
        ("in the fog", "on a foggy day", "in the mist", "in thick fog", "on a misty day"),
        ("雾中", "大雾中", "有雾", "雾天"),
    ),
    ("day", "rainbow"): (
        ("under a rainbow", "with a rainbow", "with a rainbow in the sky", "with a rainbow above"),
        ("彩虹下", "有彩虹", "雨后彩虹下"),
    ),
    ("sunrise", "clear"): (TIMES["sunrise"][0], TIMES["sunrise"][1]),
    ("sunrise", "cloudy"): (
        ("at sunrise under a cloudy sky", "on a cloudy morning", "at dawn with clouds", "at a cloudy sunrise"),
        ("多云日出时", "多云的早晨", "多云的清晨"),
    ),
    ("sunset", "clear"): (TIMES["sunset"][0], TIMES["sunset"][1]),
    ("sunset", "cloudy"): (
        ("at sunset under a cloudy sky", "on a cloudy evening", "at dusk with clouds", "at a cloudy sunset"),
        ("多云日落时", "多云的傍晚", "多云的黄昏"),
    ),
    ("night", "clear"): (
        ("at night", "under a starry sky", "on a starry night", "under the stars", "on a clear night"),
        ("夜晚", "星空下", "晚上", "夜里", "繁星下", "晴朗的夜晚"),
    ),
    ("night", "cloudy"): (
        ("on a cloudy night", "at night under a cloudy sky", "at night with clouds"),
        ("多云夜晚", "多云的夜晚", "多云的晚上", "夜晚多云"),
    ),
    ("night", "aurora"): (
        (
            "under the northern lights",
            "under an aurora",
            "at night with the northern lights",
            "with an aurora in the sky",
        ),
        ("极光下", "北极光下", "有极光的夜晚"),
    ),
    ("night", "rain"): (
        ("at night in the rain", "on a rainy night", "in the rain at night"),
        ("雨夜", "下雨的夜晚", "下雨的晚上"),
    ),
    ("night", "snow"): (
        ("at night in falling snow", "on a snowy night", "in falling snow at night"),
        ("雪夜", "下雪的夜晚", "下雪的晚上"),
    ),
    ("night", "storm"): (
        ("at night in a thunderstorm", "on a stormy night", "in a storm at night"),
        ("雷雨夜", "暴风雨的夜晚", "电闪雷鸣的夜晚"),
    ),
}
"""How the place looks, by time and weather: a phrase after a noun in English, one before 的 in Chinese."""

MOONS: dict[str, tuple[Words, Words]] = {
    "full": (
        ("under a full moon", "at night with a full moon", "in the moonlight"),
        ("满月下", "月光下", "圆月下"),
    ),
    "crescent": (
        ("under a crescent moon", "at night with a crescent moon", "in the moonlight"),
        ("弯月下", "月光下", "月牙下"),
    ),
}
WEATHER_ADJECTIVES: dict[str, Words] = {
    "rain": ("rainy",),
    "snow": ("snowy",),
    "storm": ("stormy",),
    "fog": ("foggy", "misty"),
}
"""English only; in Chinese the looks are adjectives."""
SEASONS: dict[str, tuple[Words, Words, Words]] = {
    # adjectives, phrases, Chinese before 的
    "spring": (
        ("spring", "blossoming"),
        ("in spring", "in springtime", "in blossom", "with cherry blossoms"),
        ("春天", "春季", "春日", "樱花盛开"),
    ),
    "autumn": (
        ("autumn",),
        ("in autumn", "in the fall", "with autumn leaves"),
        ("秋天", "秋季", "秋日", "金秋", "满是红叶"),
    ),
    "winter": (
        ("snowy", "winter", "snow-covered"),
        ("in winter", "covered in snow", "in the snow"),
        ("冬天", "冬季", "白雪覆盖", "积雪"),
    ),
}
SKIES: dict[tuple[str, str], tuple[Words, Words]] = {
    ("day", "clear"): (
        ("a blue sky with white clouds", "a blue sky", "a sunny sky", "white clouds in a blue sky",
         "the sun in a blue sky"),
        ("蓝天白云", "蓝天", "晴朗的天空", "蓝天上的白云", "晴空"),
    ),
    ("day", "cloudy"): (
        ("a cloudy sky", "clouds", "a sky full of clouds", "clouds in the sky", "an overcast sky"),
        ("多云的天空", "云", "满天的云", "阴天的天空", "云朵"),
    ),
    ("day", "rain"): (("a rainy sky", "rain clouds", "dark clouds and rain", "rain"),
     ("下雨的天空", "乌云和雨", "雨天的天空", "下雨")),
    ("day", "storm"): (
        ("a stormy sky with lightning", "a thunderstorm", "a stormy sky", "lightning in a dark sky", "a storm"),
        ("电闪雷鸣的天空", "雷雨", "暴风雨的天空", "闪电", "雷电"),
    ),
    ("day", "rainbow"): (
        ("a rainbow in the sky", "a rainbow", "a rainbow and clouds", "a sky with a rainbow"),
        ("天空中的彩虹", "彩虹", "有彩虹的天空", "雨后的彩虹"),
    ),
    ("sunrise", "clear"): (("a sunrise sky", "a sunrise", "a morning sky", "the rising sun"),
     ("日出的天空", "日出", "清晨的天空", "朝霞")),
    ("sunrise", "cloudy"): (
        ("a cloudy sunrise sky", "a cloudy sunrise", "sunrise with many clouds", "a cloudy morning sky"),
        ("多云的日出天空", "多云的日出", "多云的清晨天空"),
    ),
    ("sunset", "clear"): (("a sunset sky", "a sunset", "an evening sky", "the setting sun"),
     ("日落的天空", "日落", "傍晚的天空", "晚霞", "夕阳")),
    ("sunset", "cloudy"): (
        ("a cloudy sunset sky", "a cloudy sunset", "sunset with many clouds", "a cloudy evening sky"),
        ("多云的日落天空", "多云的日落", "多云的傍晚天空"),
    ),
    ("night", "clear"): (
        ("a starry night sky", "a night sky", "a starry sky", "stars in the night sky",
         "the night sky full of stars"),
        ("星空", "夜空", "布满星星的夜空", "繁星满天的夜空", "夜晚的星空"),
    ),
    ("night", "cloudy"): (("a cloudy night sky", "clouds at night", "a night sky full of clouds"),
     ("多云的夜空", "夜晚的云", "布满云的夜空")),
    ("night", "aurora"): (
        ("northern lights in the night sky", "the northern lights", "an aurora", "a night sky with an aurora"),
        ("夜空中的极光", "极光", "北极光", "有极光的夜空"),
    ),
    ("night", "rain"): (("a rainy night sky", "a night sky with rain", "rain at night"),
     ("下雨的夜空", "雨夜的天空", "夜雨")),
    ("night", "storm"): (
        ("a stormy night sky with lightning", "a stormy night sky", "lightning at night", "a thunderstorm at night"),
        ("电闪雷鸣的夜空", "雷雨的夜空", "夜晚的闪电", "夜晚的雷雨"),
    ),
}  # fmt: skip
"""What the open sky is called, by time and weather."""
