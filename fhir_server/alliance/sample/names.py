"""Names of invented people, in characters and in pinyin.

Compound surnames are names of two characters; names of minorities are kept as one text, with the middle dot,
and have no family name, because where to cut is not ours to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

SURNAMES = {
    "王": "Wang", "李": "Li", "张": "Zhang", "刘": "Liu", "陈": "Chen", "杨": "Yang", "黄": "Huang",
    "周": "Zhou", "吴": "Wu", "徐": "Xu", "孙": "Sun", "罗": "Luo", "谢": "Xie", "唐": "Tang", "邓": "Deng",
    "彭": "Peng", "曾": "Zeng", "肖": "Xiao", "田": "Tian", "袁": "Yuan", "汤": "Tang", "易": "Yi",
    "向": "Xiang", "覃": "Qin", "石": "Shi", "龙": "Long", "麻": "Ma", "宋": "Song", "鲁": "Lu",
    "单": "Shan", "解": "Xie", "仇": "Qiu", "区": "Ou", "盖": "Ge", "查": "Zha",
}  # fmt: skip

COMPOUND = {
    "欧阳": "Ouyang", "司马": "Sima", "上官": "Shangguan", "诸葛": "Zhuge", "司徒": "Situ", "尉迟": "Yuchi",
    "万俟": "Moqi", "令狐": "Linghu",
}  # fmt: skip

MALE = {
    "建国": "Jianguo", "志强": "Zhiqiang", "文斌": "Wenbin", "浩然": "Haoran", "德胜": "Desheng",
    "海波": "Haibo", "立新": "Lixin", "永福": "Yongfu", "明": "Ming", "磊": "Lei", "国栋": "Guodong",
    "子轩": "Zixuan", "家辉": "Jiahui", "长庚": "Changgeng", "松林": "Songlin", "𠮷祥": "Jixiang",
    "正华": "Zhenghua", "代发": "Daifa", "云山": "Yunshan", "绍武": "Shaowu", "显贵": "Xiangui",
    "吉昌": "Jichang", "兴旺": "Xingwang", "光明": "Guangming", "清泉": "Qingquan", "昊": "Hao",
    "宏伟": "Hongwei", "少波": "Shaobo", "世杰": "Shijie", "金山": "Jinshan", "远航": "Yuanhang",
}  # fmt: skip

FEMALE = {
    "秀英": "Xiuying", "桂兰": "Guilan", "小燕": "Xiaoyan", "雨桐": "Yutong", "丽华": "Lihua",
    "静": "Jing", "敏": "Min", "春梅": "Chunmei", "思源": "Siyuan", "玉珍": "Yuzhen", "欣怡": "Xinyi",
    "晓琳": "Xiaolin", "凤娇": "Fengjiao", "若兰": "Ruolan", "婷": "Ting", "䶮玥": "Yanyue",
    "冬香": "Dongxiang", "菊花": "Juhua", "金莲": "Jinlian", "月娥": "Yue'e", "彩云": "Caiyun",
    "翠": "Cui", "红梅": "Hongmei", "清秀": "Qingxiu", "腊梅": "Lamei", "银花": "Yinhua",
    "志芳": "Zhifang", "䴖莹": "Jingying", "淑贞": "Shuzhen", "若溪": "Ruoxi", "茗": "Ming",
}  # fmt: skip

# GB/T 3304
MINORITY: dict[str, tuple[tuple[str, str, str], ...]] = {
    "male": (
        ("阿合买提·司马义", "Ahmet Ismayil", "05"),
        ("扎西·多吉", "Zhaxi Duoji", "04"),
        ("阿尔子·木呷", "Aerzi Muga", "07"),
        ("叶尔兰·巴合提", "Yerlan Bakhit", "17"),
    ),
    "female": (
        ("古丽·热合曼", "Guli Rahman", "05"),
        ("央金·卓玛", "Yangjin Zhuoma", "04"),
        ("吉克·阿依", "Jike Ayi", "07"),
        ("其其格·乌云", "Qiqige Wuyun", "02"),
    ),
}

PEOPLES = {
    "01": "汉族", "02": "蒙古族", "04": "藏族", "05": "维吾尔族", "06": "苗族", "07": "彝族", "15": "土家族",
    "17": "哈萨克族",
}  # fmt: skip
"""GB/T 3304, those that the sample has."""


@dataclass(frozen=True, slots=True)
class Name:
    text: str
    pinyin: str
    people: str  # GB/T 3304
    family: str | None = None  # None: not divided
    given: str | None = None


def name(chance: Random, gender: str, peoples: Sequence[str] = ("01",)) -> Name:
    """A name for `male` or `female`; one in forty is undivided, one in twenty-five has a compound surname.

    peoples: who lives there, as often as they stand in it
    """
    if chance.randrange(40) == 0:
        text, pinyin, people = chance.choice(MINORITY[gender])
        return Name(text, pinyin, people)
    families = COMPOUND if chance.randrange(25) == 0 else SURNAMES
    family = chance.choice(list(families))
    return with_family(family, chance, gender, chance.choice(peoples))


def with_family(family: str, chance: Random, gender: str, people: str) -> Name:
    choices = MALE if gender == "male" else FEMALE
    given = chance.choice(list(choices))
    syllables = SURNAMES.get(family) or COMPOUND[family]
    return Name(family + given, f"{syllables} {choices[given]}", people, family, given)


def unknown(gender: str, number: int) -> Name:
    """Who was brought in without a name."""
    return Name(f"无名氏{'男' if gender == 'male' else '女'}{number:02}", f"Wumingshi {number:02}", "97")
