"""What a dictionary of single characters does not tell of their readings in names of today."""

SURNAMES = {
    "单": "shan", "解": "xie", "查": "zha", "仇": "qiu", "区": "ou", "曾": "zeng", "任": "ren", "朴": "piao",
    "盖": "ge gai", "尉": "wei yu", "覃": "qin tan", "繁": "po", "缪": "miao", "纪": "ji", "翟": "zhai di",
    "召": "shao", "种": "chong", "费": "fei bi", "秘": "bi", "宓": "mi fu", "佴": "nai", "冼": "xian",
    "逄": "pang", "乐": "yue le", "车": "che", "员": "yun", "贠": "yun", "黑": "he", "盛": "sheng",
    "折": "she", "葛": "ge", "那": "na", "都": "du", "谌": "chen shen", "隗": "wei kui", "郇": "xun huan",
    "郗": "xi chi", "洗": "xian", "祭": "zhai", "牟": "mu mou", "莘": "shen xin", "蔚": "yu wei",
    "瞿": "qu", "阚": "kan", "亓": "qi", "藏": "zang", "相": "xiang", "过": "guo", "眭": "sui",
    "乜": "nie", "能": "nai", "隽": "juan jun", "撒": "sa", "干": "gan", "叶": "ye", "占": "zhan",
    "仉": "zhang", "钭": "tou", "句": "gou", "柏": "bai bo", "薄": "bo", "厍": "she", "於": "yu",
    "贾": "jia", "谷": "gu", "石": "shi", "合": "he", "冯": "feng", "沈": "shen", "余": "yu", "宁": "ning",
    "应": "ying", "曲": "qu", "哈": "ha", "幺": "yao", "适": "kuo", "𠮷": "ji", "晁": "chao", "俞": "yu",
    "俱": "ju", "褚": "chu", "卜": "bu", "郝": "hao", "臧": "zang", "呙": "guo", "粘": "nian", "菅": "jian",
    "行": "xing", "重": "chong", "颉": "xie", "载": "zai", "长": "zhang", "降": "jiang", "角": "jue",
}  # fmt: skip
"""Readings of characters as surnames; where the ordinary dictionary has them it has them behind others."""

COMPOUND_SURNAMES = {
    "万俟": "mo qi", "尉迟": "yu chi", "长孙": "zhang sun", "澹台": "tan tai", "单于": "chan yu",
    "令狐": "ling hu", "鲜于": "xian yu", "宰父": "zai fu", "诸葛": "zhu ge", "皇甫": "huang fu",
    "濮阳": "pu yang", "亓官": "qi guan", "贺若": "he ruo", "吐谷": "tu yu", "叱干": "chi gan",
    "可频": "ke pin", "耶律": "ye lv", "完颜": "wan yan", "夹谷": "jia gu", "乐正": "yue zheng",
}  # fmt: skip
"""Surnames of two characters that are not read as the two are for themselves, or need it said."""

ONE_READING = frozenset(
    "丁万不且个串之也予事于亏些亡亨仅介从他令以仰件价任份伎休众伯伴位体余佚例侧促俏信倍倚假儿允兄兑兔"
    "共其典内册冒冥冰冷净凿刀切划列刺刻前剖副助勤勿匀包化匡匪匿半卑南占印卵卷厂厘受古可叶号司叹吃合吞"
    "吟吧听吴吵吾呆告味呼咀咬哈哩哺唇售喊喙喜喝嘘团园土圣地均坑块垂堆堤堪堵塌塔填增墨壑声夏夕大太失夹"
    "奋奏契奔奥女奸妃妖姐姓宁宅完宛客害家容察寺封射尚尺尾居屈屯峙巨己已市幅幕干平年幸幼广庄底弄式徙怀"
    "怕怜思怨悛惊愁感慎戎戏或戚房才扑扭扮扰扶找承技把投抗抬抱抵押担拆拈拊拌拍拔拖拘招拱拼拽拾挈挑捐捷"
    "捻掇掉排探接控措提插握揣援搜搬搭摧摩撇撩支敌数斗斜斯方施旁族无旰昂明映昧是景暇暖最月有服期末术朱"
    "机杂杜杠枉析枕果枝枯柜柴栓栗核格桃梢棋棍棱楷概榜槽横次款歇歹母毒比汗池汽沙沸治沾泄泛波泣泥注洁洋"
    "洒洞活洽派浅浩涂涉涌液淡淫淳混渠温港渴游溃溯滋滑漂漆激濯灌灯炎炮烛烟焦熟燥爆片牢狂狠狼猫王甘由甸"
    "疑疙痕登白百皇盒盟盼眠眩眼睫石砌研砥硬示祖祝离租秤积移税穴穿窗立童筋筒簿精累絮红约综缩缴缺羹羽而"
    "耐耗耳聘肆肉肢肥肩育肺胆胜胞胳胶脚脱腔膊臂至致舌舍舒芒芦苛若苦苫英茬草荒莫蓝蔽虑虫蚕蛇蛾蜡蟆蟠衰"
    "袍袒言许识说读谷貌赶趁超越趣足跋跌跑跨路跳蹄身车转辨达这迭追透逐逗逞造逢逮逾遁遇那邪部醋醒野铅阻"
    "附限除陶隔隶零需震霸青靡革鞋餐鬻魄鸟鹿鼎齐龟"
)
"""Characters whose other readings are archaic (明 is Ming, and was Meng): one reading stands in all but a few
of the phrases that pypinyin has with them. Names have a fraction of the readings without them."""
