"""What is refused, in words that name the option and the place in it."""

from __future__ import annotations


class Wrong(Exception):
    """A request that is not worked: status and words for whoever sent it."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Missing(Wrong):
    """No such entity, or none that the asker sees: the same words."""

    def __init__(self) -> None:
        super().__init__("没有这个实体,或不在您的管辖范围内", 404)


class Misread(Wrong):
    """A fault at a place of an option; ``at`` counts characters from nought."""

    def __init__(self, option: str, at: int, why: str) -> None:
        super().__init__(f"{option} 第 {at + 1} 个字符处:{why}")
