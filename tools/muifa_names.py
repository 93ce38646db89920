"""Names and approximate positions of the stations of the Muifa replay, WGS 84, placed by hand, kilometres off.

Published: the name occurs in a public rain, flood or wind report of Qingdao (2021-2025). A station that was really
there in 2022 may have stood elsewhere; every position here is a guess near the named place.
"""

# name, town, lon, lat
PUBLISHED_RAIN = """
蔚竹庵 北宅 120.630 36.215
崂顶 沙子口 120.620 36.170
北九水 北宅 120.600 36.216
柳树台 北宅 120.598 36.200
泉心河水库 王哥庄 120.680 36.230
团岛 八大峡 120.292 36.050
市水务局 香港中路 120.388 36.070
山色峪 惜福镇 120.500 36.290
华山 灵山 120.470 36.570
胶河 六汪 119.840 35.950
马店 胶莱 120.050 36.370
闸子 胶莱 120.000 36.360
田格庄 李园 119.980 36.800
尚河头 云山 120.180 36.900
李家铺 店子 119.800 36.930
张家院 院上 120.330 36.780
莱西气象局 水集 120.520 36.870
宫家城 水集 120.560 36.930
"""
# Towns whose own name occurs in the published rain reports.
PUBLISHED_TOWNS = "沙子口 黄岛 红岛 上马 里岔 移风店 灵山 温泉 红石崖 金湖路".split()
EXTRA_RAIN = {"370212": 10, "370214": 5, "370215": 9, "370211": 14, "370281": 4, "370283": 2, "370285": 3}

# name, town, lon, lat, exposure (1 open sea)
SEA_WIND = """
大公岛 沙子口 120.4935 35.9615 1.00
小公岛 沙子口 120.5835 35.9955 0.97
朝连岛 沙子口 120.8770 35.8920 0.97
长门岩 王哥庄 120.9480 36.1780 0.95
灵山岛 灵山岛 120.1650 35.7680 0.92
竹岔岛 薛家岛 120.3110 35.9420 0.92
大管岛 鳌山卫 120.7700 36.2300 0.92
田横岛 田横 120.9550 36.4180 0.90
小麦岛 珠海路 120.4250 36.0540 0.88
五号码头 大港 120.3050 36.0830 0.80
斋堂岛 琅琊 119.9240 35.6300 0.88
沐官岛 泊里 119.7330 35.5920 0.86
崂顶 沙子口 120.6200 36.1700 0.94
"""
COAST_WIND = (
    "八大峡 中山路 香港中路 珠海路 湖岛 大港 楼山 沙子口 王哥庄 金家岭 红岛 河套 上马 流亭 "
    "黄岛 薛家岛 长江路 灵山卫 滨海 琅琊 泊里 红石崖 鳌山卫 温泉 田横 金口 新河"
).split()

# river, place, town, lon, lat, lag of the linear reservoir h
PUBLISHED_RIVER = """
大沽河 张家院 院上 120.330 36.780 10
南胶莱河 闸子 胶莱 120.000 36.360 9
潴河 莱西 水集 120.505 36.875 4
云溪河 少海 三里河 120.050 36.240 4
李村河 李村 李村 120.420 36.158 2
墨水河 华桥 城阳 120.380 36.330 4
墨水河 即墨 环秀 120.450 36.385 3
张村河 东韩 中韩 120.460 36.120 2
白沙河 乌衣巷 夏庄 120.460 36.245 3
胶河 刘家花园 铺集 119.750 36.060 6
"""
# river, town short name, lag h; the position is the town seat
OTHER_RIVER = """
大沽河 移风店 12
大沽河 南村 14
大沽河 李哥庄 16
大沽河 沽河 9
小沽河 云山 7
小沽河 院上 9
北胶莱河 新河 14
北胶莱河 明村 12
北胶莱河 崔家集 10
五沽河 店埠 6
洋河 洋河 5
洋河 九龙 6
风河 隐珠 4
风河 滨海 5
白马河 大场 6
吉利河 藏马 5
白沙河 流亭 4
海泊河 台东 2
桃源河 棘洪滩 6
流浩河 段泊岚 6
"""
# Filled by pumping, with no catchment of its own: only the rain on the water raises it.
RING_DAMS = ("棘洪滩水库",)
OTHER_RESERVOIRS = "北宅 宝山 大泽山 南墅 惜福镇".split()


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]
