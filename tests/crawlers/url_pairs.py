"""Pairs of addresses as people share them. Ids are made up; the forms are those of the sites.

SAME: blocks of one page each; the first line is compared with every other. DIFFERENT: blocks of
pages that must stay apart, each line compared with every other of its block.
"""

from __future__ import annotations

from itertools import combinations

_SAME = """
http://news.example.cn/a?id=3
https://news.example.cn/a?id=3
https://News.Example.CN/a?id=3
https://news.example.cn:443/a?id=3
https://news.example.cn./a?id=3
https://me:secret@news.example.cn/a?id=3
https://news.example.cn/a?id=3#comments
https://news.example.cn/a?id=3&utm_source=wechat&utm_medium=social
https://news.example.cn/a?utm_campaign=autumn&id=3
https://news.example.cn/a?id=3&spm=a21bo.2017.0.0
https://news.example.cn/a?id=3&scm=1007.13
https://news.example.cn/a?id=3&share_token=9f1c-22
https://news.example.cn/a?id=3&nsukey=zzQ%3D
https://news.example.cn/a?id=3&isappinstalled=0
https://news.example.cn/a?id=3&from=timeline&isappinstalled=0
https://news.example.cn/a?id=3&from=singlemessage
https://news.example.cn/a?from=groupmessage&id=3
https://news.example.cn/a?id=3&wxshare_count=2
https://news.example.cn/a?id=3&sharer_shareid=1&sharer_shareinfo=2
https://news.example.cn/a?id=3&vd_source=aa
https://news.example.cn/a?id=3&gclid=Cj0K
https://news.example.cn/a?id=3&fbclid=IwAR
https://news.example.cn/a?id=3&bd_vid=8812
https://news.example.cn/a?id=3&hmsr=feed&hmpl=1
https://news.example.cn/a?HMSR=feed&id=3
https://news.example.cn/a?id=3&pass_ticket=xx&ascene=14&devicetype=android
https://news.example.cn/a?id=3&source=wechat
https://news.example.cn/a?id=3&tdsourcetag=s_pctim_aiomsg

https://shop.example.cn/x?a=1&b=2
https://shop.example.cn/x?b=2&a=1
https://shop.example.cn/x?b=2&a=1&spm=1

https://news.example.cn/搜索?词=退款
https://news.example.cn/%E6%90%9C%E7%B4%A2?%E8%AF%8D=%E9%80%80%E6%AC%BE
https://news.example.cn/%e6%90%9c%e7%b4%a2?%e8%af%8d=%e9%80%80%e6%ac%be

https://例子.中国/a
https://xn--fsqu00a.xn--fiqs8s/a

https://app.example.cn/#/detail/3
https://app.example.cn/?utm_source=x#/detail/3
https://app.example.cn/#/detail/3?share_token=1

https://app.example.cn/m/#/post?id=7
https://app.example.cn/m/#/post?id=7&from=timeline

https://bbs.example.cn/thread-88121-1-1.html
https://bbs.example.cn/thread-88121-1-4.html
https://bbs.example.cn/forum.php?mod=viewthread&tid=88121
https://bbs.example.cn/forum.php?mod=viewthread&tid=88121&extra=page%3D1
https://bbs.example.cn/forum.php?mod=viewthread&tid=88121&page=1
https://bbs.example.cn/forum.php?mod=viewthread&tid=88121&fromuid=120
https://bbs.example.cn/forum.php?mod=viewthread&tid=88121&highlight=%B9%CA%D5%CF
https://bbs.example.cn/forum.php?mod=viewthread&tid=88121&mobile=2

https://bbs.example.cn/thread-88121-2-1.html
https://bbs.example.cn/forum.php?mod=viewthread&tid=88121&extra=page%3D3&page=2

https://old.example.cn/bbs/viewthread.php?tid=31
https://old.example.cn/bbs/thread-31-1-1.html
https://old.example.cn/bbs/viewthread.php?tid=31&extra=page%3D2

https://mp.weixin.qq.com/s?__biz=MzA3MDEx&mid=2650001&idx=1&sn=ab12cd
http://mp.weixin.qq.com/s?__biz=MzA3MDEx&mid=2650001&idx=1&sn=ab12cd&chksm=84f&scene=21#wechat_redirect
https://mp.weixin.qq.com/s?sn=ab12cd&idx=1&mid=2650001&__biz=MzA3MDEx&scene=27&key=11&uin=22&devicetype=iOS&version=18&lang=zh_CN&ascene=7
https://mp.weixin.qq.com/s?__biz=MzA3MDEx&mid=2650001&idx=1&sn=ab12cd&mpshare=1&scene=1&srcid=1103abc&sharer_sharetime=17
https://mp.weixin.qq.com/s?__biz=MzA3MDEx&mid=2650001&idx=1&sn=ab12cd&exportkey=n_Ch&pass_ticket=q&wx_header=1

https://mp.weixin.qq.com/s/aB3_xYz-91QpLmNoPqRsTu
https://mp.weixin.qq.com/s/aB3_xYz-91QpLmNoPqRsTu?scene=1&click_id=5
http://mp.weixin.qq.com/s/aB3_xYz-91QpLmNoPqRsTu#rd

https://weibo.com/1195230310/z0JH2lOMb
https://weibo.com/1195230310/z0JH2lOMb?refer_flag=1001030103_
https://weibo.com/1195230310/z0JH2lOMb?from=page_100505&wvr=6&mod=weibotime&type=comment
https://www.weibo.com/1195230310/z0JH2lOMb#comment
https://m.weibo.cn/status/z0JH2lOMb
https://m.weibo.cn/status/3501756485200075
https://m.weibo.cn/detail/3501756485200075
https://m.weibo.cn/1195230310/3501756485200075
https://weibo.com/detail/3501756485200075
https://m.weibo.cn/status/3501756485200075?from=page&sourceType=weixin&wm=9006_2001

https://weibo.com/ttarticle/p/show?id=2309404812345678901234
https://card.weibo.com/article/m/show?id=2309404812345678901234
https://weibo.com/ttarticle/p/show?id=2309404812345678901234&mod=zwenzhang

https://www.xiaohongshu.com/explore/64ab12cd000000001301f2aa
https://www.xiaohongshu.com/explore/64ab12cd000000001301f2aa?xsec_token=ABx1%3D&xsec_source=pc_feed
https://www.xiaohongshu.com/discovery/item/64ab12cd000000001301f2aa
https://www.xiaohongshu.com/discovery/item/64ab12cd000000001301f2aa?app_platform=ios&app_version=8.1&share_from_user_hidden=true&type=normal&author_share=1&xhsshare=WeixinSession&shareRedId=N0k&apptime=1793&share_id=77

https://www.douyin.com/video/7301234567890123456
https://www.douyin.com/video/7301234567890123456?previous_page=web_code_link
https://www.iesdouyin.com/share/video/7301234567890123456/?region=CN&mid=73&u_code=0&did=x&titleType=title
https://m.douyin.com/share/video/7301234567890123456/
https://www.douyin.com/discover?modal_id=7301234567890123456

https://www.douyin.com/note/7301234567890199999
https://www.iesdouyin.com/share/note/7301234567890199999/?schema_type=37

https://www.kuaishou.com/short-video/3xabcde9fgh1ijk
https://www.kuaishou.com/short-video/3xabcde9fgh1ijk?streamSource=find&area=homexxbrilliant
https://www.kuaishou.com/short-video/3xabcde9fgh1ijk?utm_source=app_share&userId=3x

https://www.bilibili.com/video/BV1ab411c7Xy
https://www.bilibili.com/video/BV1ab411c7Xy/
https://www.bilibili.com/video/BV1ab411c7Xy/?spm_id_from=333.1007&vd_source=ff01
https://m.bilibili.com/video/BV1ab411c7Xy?buvid=XY&from_spmid=main&is_story_h5=false&plat_id=116&share_from=ugc&share_medium=iphone&timestamp=1793&unique_k=zz
https://www.bilibili.com/video/BV1ab411c7Xy?p=1
https://www.bilibili.com/video/BV1ab411c7Xy?t=31.2

https://www.bilibili.com/read/cv8812003
https://www.bilibili.com/read/mobile/8812003
https://www.bilibili.com/read/cv8812003?from=search

https://t.bilibili.com/881200312345678901
https://www.bilibili.com/opus/881200312345678901
https://m.bilibili.com/dynamic/881200312345678901?spm_id_from=0

https://www.zhihu.com/question/3301/answer/998877
https://www.zhihu.com/answer/998877
https://www.zhihu.com/question/3301/answer/998877?utm_psn=17&utm_oi=9
https://www.zhihu.com/tardis/zm/ans/998877?source_id=1003

https://www.zhihu.com/question/3301
https://www.zhihu.com/question/3301?sort=created
https://www.zhihu.com/question/3301/

https://zhuanlan.zhihu.com/p/6612003
https://zhuanlan.zhihu.com/p/6612003?utm_medium=social
https://www.zhihu.com/tardis/bd/art/6612003

https://www.toutiao.com/article/7301112223334445556/
https://www.toutiao.com/a7301112223334445556/
https://www.toutiao.com/i7301112223334445556/
https://m.toutiao.com/i7301112223334445556/?upstream_biz=toutiao_pc
https://www.toutiao.com/group/7301112223334445556/
https://m.toutiao.com/article/7301112223334445556/?tt_from=weixin&utm_source=weixin&share_token=x&wxshare_count=1

https://www.toutiao.com/w/1781112223334445/
https://m.toutiao.com/w/1781112223334445/?channel=

https://www.sohu.com/a/801234567_120012345
https://m.sohu.com/a/801234567_120012345
https://www.sohu.com/a/801234567_120012345?scm=1102.xchannel&spm=smpc
https://3g.sohu.com/a/801234567_120012345/?_trans_=000019_wxwzwz

https://www.163.com/dy/article/K8D2ABCD0514R9P4.html
https://c.m.163.com/news/a/K8D2ABCD0514R9P4.html?spss=newsapp&spsw=1
https://m.163.com/dy/article/K8D2ABCD0514R9P4.html
https://3g.163.com/news/article/K8D2ABCD0514R9P4.html
https://news.163.com/26/1103/12/K8D2ABCD0514R9P4.html

https://news.sina.com.cn/c/2026-11-03/doc-inbnvyqf1234567.shtml
https://news.sina.cn/2026-11-03/detail-inbnvyqf1234567.d.html
https://news.sina.cn/gn/2026-11-03/detail-inbnvyqf1234567.d.html?from=wap&vt=4

https://tousu.sina.com.cn/complaint/view/17393021/
https://tousu.sina.com.cn/complaint/view/17393021/?sld=7e1c
https://tousu.sina.cn/complaint/view/17393021

https://new.qq.com/rain/a/20261103A01ABC00
https://new.qq.com/omn/20261103/20261103A01ABC00.html
https://view.inews.qq.com/a/20261103A01ABC00?uid=1&shareto=wx
https://view.inews.qq.com/k/20261103A01ABC00
https://xw.qq.com/cmsid/20261103A01ABC00

https://36kr.com/p/3012345678901234
https://www.36kr.com/p/3012345678901234
https://m.36kr.com/p/3012345678901234?f=rss

https://baijiahao.baidu.com/s?id=1781234567890123456
https://baijiahao.baidu.com/s?id=1781234567890123456&wfr=spider&for=pc

https://tieba.baidu.com/p/8812003311
https://tieba.baidu.com/p/8812003311?pn=1
https://tieba.baidu.com/p/8812003311?share=9105&fr=sharewise&share_from=post&sfc=copy&client_type=2

https://zhidao.baidu.com/question/1234567890.html
https://zhidao.baidu.com/question/1234567890.html?fr=iks&word=%CD%CB%BF%EE

https://item.taobao.com/item.htm?id=601234567890
https://item.taobao.com/item.htm?spm=a21n57.1.0.0&id=601234567890&ns=1&abbucket=3
https://h5.m.taobao.com/awp/core/detail.htm?id=601234567890&ut_sk=1.x

https://detail.tmall.com/item.htm?id=611234567890
https://detail.m.tmall.com/item.htm?id=611234567890&skuId=4412&price=869
https://detail.tmall.com/item.htm?abbucket=1&id=611234567890&rn=ff&pvid=9

https://item.jd.com/100012345678.html
https://item.m.jd.com/product/100012345678.html?wxa_abtest=o&ad_od=share&gx=RnE
https://item.jd.com/100012345678.html?cu=true&utm_source=kong#comment

https://mobile.yangkeduo.com/goods.html?goods_id=31200123
https://mobile.yangkeduo.com/goods2.html?goods_id=31200123&page_from=23&share_uin=XX&_oc_refer=1
https://mobile.pinduoduo.com/goods.html?goods_id=31200123

https://www.douban.com/group/topic/28812003/
https://m.douban.com/group/topic/28812003/?dt_dapp=1
https://www.douban.com/group/topic/28812003/?start=0

https://www.smzdm.com/p/88120033/
https://m.smzdm.com/p/88120033/?send_by=7

https://news.ifeng.com/c/8abCDeFGhIj
https://i.ifeng.com/c/8abCDeFGhIj
https://ishare.ifeng.com/c/s/8abCDeFGhIj

https://www.thepaper.cn/newsDetail_forward_28812003
https://m.thepaper.cn/newsDetail_forward_28812003?from=timeline

https://www.huxiu.com/article/3312003.html
https://m.huxiu.com/article/3312003.html?f=wechat

https://blog.csdn.net/kafei/article/details/130123456
https://blog.csdn.net/kafei/article/details/130123456?spm=1001.2101&ops_request_misc=x&request_id=1

https://news.example.cn/b/9.html
https://link.zhihu.com/?target=https%3A//news.example.cn/b/9.html
https://link.csdn.net/?target=https%3A%2F%2Fnews.example.cn%2Fb%2F9.html%3Futm_source%3Dcsdn
https://link.juejin.cn/?target=http%3A%2F%2Fnews.example.cn%2Fb%2F9.html
https://weibo.cn/sinaurl?u=https%3A%2F%2Fnews.example.cn%2Fb%2F9.html
https://www.douban.com/link2/?url=https%3A%2F%2Fnews.example.cn%2Fb%2F9.html&query=x&cat_id=1
https://www.jianshu.com/go-wild?ac=2&url=https%3A%2F%2Fnews.example.cn%2Fb%2F9.html
https://c.pc.qq.com/middlem.html?pfurl=https%3A%2F%2Fnews.example.cn%2Fb%2F9.html&pfuin=1
https://www.toutiao.com/search/jump?url=https%253A%252F%252Fnews.example.cn%252Fb%252F9.html&aid=4916
https://news-example-cn.cdn.ampproject.org/c/s/news.example.cn/b/9.html
https://www.google.com/amp/s/news.example.cn/b/9.html
https://weibo.cn/sinaurl?u=https%3A%2F%2Flink.zhihu.com%2F%3Ftarget%3Dhttps%253A%252F%252Fnews.example.cn%252Fb%252F9.html
"""

_DIFFERENT = """
https://news.example.cn/a?id=3
https://news.example.cn/a?id=4
https://news.example.cn/a?article=1
https://news.example.cn/a?article=2
https://news.example.cn/a?p=1
https://news.example.cn/a?p=2
https://news.example.cn/a
https://news.example.cn/A
https://news.example.cn/a%2Fb
https://news.example.cn/a/b

https://app.example.cn/#/detail/3
https://app.example.cn/#/detail/4
https://app.example.cn/#!/detail/3
https://app.example.cn/

https://app.example.cn/#/post?id=7
https://app.example.cn/#/post?id=8

https://news.example.cn:8443/a
https://news.example.cn/a
https://blog.example.cn/a
https://m.news.example.cn/a
https://www.news.example.cn/a

https://mp.weixin.qq.com/s?__biz=MzA3MDEx&mid=2650001&idx=1&sn=ab12cd
https://mp.weixin.qq.com/s?__biz=MzA3MDEx&mid=2650001&idx=2&sn=ee12cd
https://mp.weixin.qq.com/s?__biz=MzA3MDEx&mid=2650002&idx=1&sn=ab12cf
https://mp.weixin.qq.com/s?__biz=MzB3MDEx&mid=2650001&idx=1&sn=ab12ca

https://weibo.com/1195230310/z0JH2lOMb
https://weibo.com/1195230310/z0JH2lOMc
https://weibo.com/1195230310/Z0JH2lOMb

https://bbs.example.cn/thread-88121-1-1.html
https://bbs.example.cn/thread-88121-2-1.html
https://bbs.example.cn/thread-88122-1-1.html
https://bbs.example.cn/forum.php?mod=viewthread&tid=88121&authorid=5
https://bbs.example.cn/forum.php?mod=forumdisplay&fid=88121

https://www.bilibili.com/video/BV1ab411c7Xy
https://www.bilibili.com/video/BV1ab411c7Xy?p=2
https://www.bilibili.com/video/BV1ab411c7xy

https://www.zhihu.com/question/3301/answer/998877
https://www.zhihu.com/question/3301/answer/998878
https://www.zhihu.com/question/3301
https://zhuanlan.zhihu.com/p/998877

https://tieba.baidu.com/p/8812003311
https://tieba.baidu.com/p/8812003311?pn=2
https://tieba.baidu.com/p/8812003311?see_lz=1

https://item.taobao.com/item.htm?id=601234567890
https://item.taobao.com/item.htm?id=601234567891
https://detail.tmall.com/item.htm?id=601234567892

https://s.weibo.com/weibo?q=%E6%BE%9C%E7%A6%BE
https://s.weibo.com/weibo?q=%E7%A6%BE%E6%B2%90

https://www.baidu.com/link?url=AbC123
https://www.baidu.com/link?url=AbC124

https://www.163.com/dy/article/K8D2ABCD0514R9P4.html
https://www.163.com/dy/article/K8D2ABCD0514R9P5.html

https://news.example.cn/list?from=3
https://news.example.cn/list?from=4

https://news.example.cn/view?source=kitchen
https://news.example.cn/view?source=wuhan
"""


def _blocks(text: str) -> list[list[str]]:
    return [block.split("\n") for block in text.strip().split("\n\n")]


SAME = [(block[0], other) for block in _blocks(_SAME) for other in block[1:]]
DIFFERENT = [pair for block in _blocks(_DIFFERENT) for pair in combinations(block, 2)]
# Pages that head the blocks of SAME are pages of their own, too.
DIFFERENT += list(
    zip(
        [block[0] for block in _blocks(_SAME)],
        [block[0] for block in _blocks(_SAME)][1:],
        strict=False,
    )
)
