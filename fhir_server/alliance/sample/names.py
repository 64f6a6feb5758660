"""Names of invented people, in characters and in pinyin.

Compound surnames are names of two characters; names of minorities are kept as one text, with the middle dot,
and have no family name, because where to cut is not ours to say.
"""

from dataclasses import dataclass
from random import Random

SURNAMES = {
    "王": "Wang", "李": "Li", "张": "Zhang", "刘": "Liu", "陈": "Chen", "杨": "Yang", "黄": "Huang",
    "周": "Zhou", "吴": "Wu", "徐": "Xu", "孙": "Sun", "罗": "Luo", "谢": "Xie", "唐": "Tang", "邓": "Deng",
    "彭": "Peng", "曾": "Zeng", "肖": "Xiao", "田": "Tian", "袁": "Yuan", "汤": "Tang", "易": "Yi",
    "单": "Shan", "解": "Xie", "仇": "Qiu", "欧阳": "Ouyang", "司马": "Sima", "上官": "Shangguan",
}  # fmt: skip

MALE = {
    "建国": "Jianguo", "志强": "Zhiqiang", "文斌": "Wenbin", "浩然": "Haoran", "德胜": "Desheng",
    "海波": "Haibo", "立新": "Lixin", "永福": "Yongfu", "明": "Ming", "磊": "Lei", "国栋": "Guodong",
    "子轩": "Zixuan", "家辉": "Jiahui", "长庚": "Changgeng", "松林": "Songlin", "𠮷祥": "Jixiang",
}  # fmt: skip

FEMALE = {
    "秀英": "Xiuying", "桂兰": "Guilan", "小燕": "Xiaoyan", "雨桐": "Yutong", "丽华": "Lihua",
    "静": "Jing", "敏": "Min", "春梅": "Chunmei", "思源": "Siyuan", "玉珍": "Yuzhen", "欣怡": "Xinyi",
    "晓琳": "Xiaolin", "凤娇": "Fengjiao", "若兰": "Ruolan", "婷": "Ting", "䶮玥": "Yanyue",
}  # fmt: skip

MINORITY = {
    "male": (("阿合买提·司马义", "Ahmet Ismayil"), ("扎西·多吉", "Zhaxi Duoji")),
    "female": (("古丽·热合曼", "Guli Rahman"), ("央金·卓玛", "Yangjin Zhuoma")),
}


@dataclass(frozen=True, slots=True)
class Name:
    text: str
    pinyin: str
    family: str | None = None  # None: not divided
    given: str | None = None


def name(chance: Random, gender: str) -> Name:
    """A name for `male` or `female`; one in forty is a minority's."""
    if chance.randrange(40) == 0:
        return Name(*chance.choice(MINORITY[gender]))
    family = chance.choice(list(SURNAMES))
    choices = MALE if gender == "male" else FEMALE
    given = chance.choice(list(choices))
    return Name(family + given, f"{SURNAMES[family]} {choices[given]}", family, given)
