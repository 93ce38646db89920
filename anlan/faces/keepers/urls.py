from django.urls import path

from anlan.sensing.models import Gateway, Reader

from . import gateway_pages, pages

urlpatterns = [
    path("accounts/", pages.accounts, name="keepers-accounts"),
    path("accounts/<int:pk>/<slug:act>/", pages.account_act, name="keepers-account-act"),
    path("grants/", pages.grants, name="keepers-grants"),
    path("grants/<int:pk>/end/", pages.end, name="keepers-grant-end"),
    path("locks/<int:pk>/<slug:act>/", pages.lock_act, name="keepers-lock-act"),
    path("gateways/", gateway_pages.many, name="keepers-gateways"),
    path("gateways/new/", gateway_pages.edit, name="keepers-gateway-new"),
    path("gateways/<int:pk>/", gateway_pages.edit, name="keepers-gateway"),
    path("gateways/<int:pk>/<slug:word>/", gateway_pages.act, name="keepers-gateway-act"),
    path("senders/new/", gateway_pages.add_sender, name="keepers-sender-new"),
    path("senders/<int:pk>/<slug:word>/", gateway_pages.token_act, {"kind": Gateway}, name="keepers-sender-act"),
    path("readers/new/", gateway_pages.add_reader, name="keepers-reader-new"),
    path("readers/<int:pk>/<slug:word>/", gateway_pages.token_act, {"kind": Reader}, name="keepers-reader-act"),
    path("audit/", pages.audit, name="keepers-audit"),
]
