"""Group robots (WeCom, DingTalk, Feishu) and plain webhooks through apprise. Address: an apprise URL."""

from __future__ import annotations

from anlan.kernel.notice.models import Gateway

from . import Call, Carrier, Down, Rejected, Sent, carrier


@carrier
class Webhook(Carrier):
    name = "webhook"
    label = "群机器人"
    channels = ("group",)

    def send(self, gateway: Gateway, call: Call) -> Sent:
        import apprise  # it loads more than a hundred plug-ins; only those who use it pay

        robot = apprise.Apprise()
        if not robot.add(gateway.address):
            raise Rejected("群机器人地址无法识别")
        if not robot.notify(body=call.text):
            raise Down("群机器人未接受消息")
        return Sent()
