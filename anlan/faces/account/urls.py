from django.urls import path

from . import pages

urlpatterns = [
    path("", pages.mine, name="account"),
    path("password/", pages.password, name="account-password"),
    path("device/", pages.device, name="account-device"),
]
