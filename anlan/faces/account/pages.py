"""What a person does to the own account: a new password, an authenticator, recovery codes."""

from __future__ import annotations

from base64 import b32encode
from typing import Any

import django_otp
import qrcode
from django.contrib import auth
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from qrcode.image.svg import SvgPathImage

from anlan.faces import gate
from anlan.faces.sign_in import note
from anlan.kernel import clock
from anlan.kernel.cases.flow import Refused
from anlan.kernel.people import ask, scope
from anlan.kernel.people.models import Grant
from anlan.sensing.models import Reader

RECOVERY = 8


@gate.account
def mine(request: HttpRequest) -> HttpResponse:
    today = timezone.localdate(clock.real())
    who = scope.current().person_id
    held = Grant.objects.filter(ask.in_force(today), person_id=who).select_related("area")
    readers = Reader.objects.filter(person_id=who).select_related("area").order_by("name")
    context = {"held": held, "readers": readers, "device": _confirmed(request.user), "left": _left(request.user)}
    return render(request, "account/mine.html", context)


@gate.account
@sensitive_post_parameters()
def password(request: HttpRequest) -> HttpResponseBase:
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            note("account.changed", request.user, f"{request.user.get_username()} 修改了密码,其他登录已退出")
        auth.update_session_auth_hash(request, form.user)
        request.session.pop("must_change", None)
        return redirect("account")
    first = request.session.get("must_change", False)
    status = 400 if form.errors else 200
    return render(request, "account/password.html", {"form": form, "first": first}, status=status)


def _confirmed(user: Any) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def _left(user: Any) -> int:
    return StaticToken.objects.filter(device__user=user).count()


@gate.account
@sensitive_post_parameters("code", "password")
def device(request: HttpRequest) -> HttpResponseBase:
    """Enrol an authenticator, or replace it and its recovery codes (asks the password again)."""
    if _confirmed(request.user) is None:
        return _enrol(request)
    if not request.user.is_verified():
        auth.logout(request)
        return redirect("/sign-in/")
    if request.method != "POST":
        return render(request, "account/device.html", {"left": _left(request.user)})
    if not request.user.check_password(request.POST.get("password", "")):
        raise Refused("密码不对,动态口令没有变动。", field="password")
    with transaction.atomic():
        TOTPDevice.objects.filter(user=request.user).delete()
        StaticDevice.objects.filter(user=request.user).delete()
        note("account.unenrolled", request.user, f"{request.user.get_username()} 注销了动态口令,准备换绑")
    return redirect("account-device")


def _enrol(request: HttpRequest) -> HttpResponse:
    pending, _ = TOTPDevice.objects.get_or_create(user=request.user, confirmed=False, defaults={"name": "验证器"})
    error = ""
    if request.method == "POST":
        code = request.POST.get("code", "").replace(" ", "")[:8]
        with transaction.atomic():
            pending = TOTPDevice.objects.select_for_update().get(pk=pending.pk)
            if pending.verify_is_allowed()[0] and pending.verify_token(code):
                return _enrolled(request, pending)
        error = "口令不对。请核对手机时间是否准确,再输入最新的 6 位数字。"
    drawn = {"picture": _picture(pending.config_url), "key": _grouped(pending), "error": error}
    return render(request, "account/enrol.html", drawn, status=400 if error else 200)


def _enrolled(request: HttpRequest, pending: TOTPDevice) -> HttpResponse:
    pending.confirmed = True
    pending.save()
    StaticDevice.objects.filter(user=request.user).delete()
    spare = StaticDevice.objects.create(user=request.user, name="备用码", confirmed=True)
    codes = [StaticToken.random_token() for _ in range(RECOVERY)]
    StaticToken.objects.bulk_create(StaticToken(device=spare, token=code) for code in codes)
    django_otp.login(request, pending)
    note("account.enrolled", request.user, f"{request.user.get_username()} 绑定了动态口令")
    return render(request, "account/recovery.html", {"codes": codes})


def _grouped(pending: TOTPDevice) -> str:
    """The key in groups of four, for typing it by hand."""
    key = b32encode(pending.bin_key).decode()
    return " ".join(key[n : n + 4] for n in range(0, len(key), 4))


def _picture(url: str) -> SafeString:
    """The address as a QR code, drawn as inline SVG: nothing leaves the page."""
    drawn = qrcode.make(url, image_factory=SvgPathImage, box_size=12, border=2)
    return mark_safe(drawn.to_string(encoding="unicode"))  # the library draws squares only; no text of ours is in it
