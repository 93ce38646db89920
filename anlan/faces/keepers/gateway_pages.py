"""The system keeper's page 网关. A secret goes in and never comes out: its field is write-only."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from anlan.faces.gate import require
from anlan.kernel.carriers.models import CARRIER_CHOICES, CHANNEL_CHOICES, Gateway
from anlan.kernel.cases.flow import Refused
from anlan.kernel.clock import beats
from anlan.kernel.people.models import Area
from anlan.sensing.models import Bearer, Reader
from anlan.sensing.models import Gateway as Sender

from . import gateways as acts
from . import tokens
from .pages import read_area


class GatewayForm(forms.Form):
    name = forms.SlugField(label="代号", max_length=40, help_text="英文字母、数字和 - _,用在回执地址和健康页里")
    title = forms.CharField(label="名称", max_length=60)
    channel = forms.ChoiceField(label="渠道", choices=CHANNEL_CHOICES)
    carrier = forms.ChoiceField(label="接入方式", choices=CARRIER_CHOICES[1:])
    address = forms.CharField(
        label="地址", max_length=300, required=False,
        help_text="http(s)://…、smtp://主机:25、smtps://主机:465;群机器人留空,整条地址填在密钥栏",
    )  # fmt: skip
    account = forms.CharField(label="账号", max_length=120, required=False, help_text="邮件服务器填发件地址,它也是登录名")
    secret = forms.CharField(
        label="密钥", max_length=500, required=False, strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="只写不读,保存后不再显示。短信语音网关填签名密钥,邮件填密码,群机器人粘贴完整地址(加签密钥写在 # 之后)",
    )  # fmt: skip
    area = forms.CharField(label="区域", initial="青岛市", help_text="12 位区划代码或名称;小区域的网关优先")
    site = forms.URLField(label="应答网址前缀", required=False, assume_scheme="https", help_text="如 https://yj.example.gov.cn,用于短信里的应答链接")

    def clean_area(self) -> Area:
        return read_area(self.cleaned_data["area"])


@require("system_keeper")
def many(request: HttpRequest, shown: dict[str, str] | None = None) -> HttpResponse:
    ways = list(Gateway.everywhere.select_related("area").order_by("-enabled", "name"))
    pulse = beats.health()["beats"]
    for way in ways:
        way.pulse = pulse.get(f"gateway:{way.name}")
        way.to = acts.own_address(way)
    senders, readers = Sender.objects.order_by("-enabled", "name"), Reader.objects.select_related("person__user", "area").order_by("-enabled", "name")
    context = {"ways": ways, "senders": senders, "readers": readers, "shown": shown}
    return render(request, "keepers/gateways.html", context)


@require("system_keeper")
@sensitive_post_parameters("secret")
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponseBase:
    """A new gateway, or the facts of one that stands."""
    old = get_object_or_404(Gateway.everywhere.select_related("area"), pk=pk) if pk else None
    initial = {**acts.facts(old), "area": old.area_id} if old else None
    form = GatewayForm(request.POST if request.method == "POST" else None, initial=initial)
    form.fields["name"].disabled = old is not None  # its reports come to an address with this name
    if request.method == "POST" and form.is_valid() and _saved(form, old):
        messages.success(request, f"通信网关 {form.cleaned_data['title']} 已保存,请试发一次。")
        return redirect("keepers-gateways")
    context = {"form": form, "way": old}
    return render(request, "keepers/gateway.html", context, status=400 if form.errors else 200)


def _saved(form: GatewayForm, old: Gateway | None) -> bool:
    given = dict(form.cleaned_data)
    try:
        way = acts.check_gateway(old or Gateway(), given)
        acts.do_save(way, bool(form.cleaned_data["secret"]))
    except Refused as no:
        form.add_error(no.field if no.field in form.fields else None, str(no))
        return False
    return True


@require("system_keeper")
@require_POST
@sensitive_post_parameters("secret")
def act(request: HttpRequest, pk: int, word: str) -> HttpResponseBase:
    way = get_object_or_404(Gateway.everywhere, pk=pk)
    if word in ("close", "restore"):
        acts.check_switch(way, word == "restore")
        acts.do_switch(way, word == "restore")
    elif word == "test":
        fault = acts.do_test(way, acts.check_test(way))
        (messages.error if fault else messages.success)(request, f"试发{way}{f'失败:{fault}' if fault else '成功,请查收。'}")
    elif word == "rotate":
        typed = request.POST.get("secret", "").strip()
        acts.check_rotate(way, typed)
        if made := acts.do_rotate(way, typed):
            return many(request, {"name": way.title, "what": "签名密钥", "clear": made})
        messages.success(request, f"{way} 的密钥已更换。")
    else:
        raise Http404
    return redirect("keepers-gateways")


@require("system_keeper")
@require_POST
def add_sender(request: HttpRequest) -> HttpResponse:
    sender = tokens.check_gateway(request.POST.get("name", "").strip())
    return _once(request, sender, tokens.do_make(sender))


@require("system_keeper")
@require_POST
def add_reader(request: HttpRequest) -> HttpResponse:
    given = (request.POST.get(name, "").strip() for name in ("name", "account", "area"))
    reader = tokens.check_reader(*given)
    return _once(request, reader, tokens.do_make(reader))


@require("system_keeper")
@require_POST
def token_act(request: HttpRequest, kind: type[Bearer], pk: int, word: str) -> HttpResponseBase:
    bearer = get_object_or_404(kind, pk=pk)
    if word == "rotate":
        tokens.check_act(bearer)
        return _once(request, bearer, tokens.do_rotate(bearer))
    if word not in ("close", "restore"):
        raise Http404
    tokens.check_act(bearer, word == "restore")
    tokens.do_switch(bearer, word == "restore")
    return redirect("keepers-gateways")


def _once(request: HttpRequest, bearer: Bearer, clear: str) -> HttpResponse:
    """The page with a token on it, this once."""
    return many(request, {"name": bearer.name, "what": "令牌", "clear": clear})
