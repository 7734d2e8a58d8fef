"""A browser in plain words, for people who look through their log-ins."""

from typing import Final

# The first that the header names counts: most browsers also name those they descend from.
_BROWSERS: Final = (
    ("Edg/", "Edge 浏览器"),
    ("QQBrowser", "QQ 浏览器"),
    ("360SE", "360 浏览器"),
    ("QIHU", "360 浏览器"),
    ("Qaxbrowser", "奇安信浏览器"),
    ("MicroMessenger", "微信"),
    ("Firefox", "火狐浏览器"),
    ("Chrome", "Chrome 浏览器"),
    ("Safari", "Safari 浏览器"),
    ("Trident", "IE 浏览器"),
    ("MSIE", "IE 浏览器"),
)
_SYSTEMS: Final = (
    ("UOS", "统信 UOS"),
    ("Kylin", "麒麟"),
    ("HarmonyOS", "鸿蒙"),
    ("OpenHarmony", "鸿蒙"),
    ("Android", "安卓"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows NT 6.1", "Windows 7"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def in_words(agent: str) -> str:
    """Return what a User-Agent header (RFC 9110, 10.1.5) says, at most 60 characters.

    Written by the caller, so it is a hint and no proof: a name out of our own list, never the text.
    """
    browser = next((words for mark, words in _BROWSERS if mark in agent), "其他浏览器")
    system = next((words for mark, words in _SYSTEMS if mark in agent), "")
    return f"{browser}（{system}）" if system else browser
