from django.urls import path

from . import pages

urlpatterns = [
    path("accounts/", pages.accounts, name="keepers-accounts"),
    path("accounts/<int:pk>/<slug:act>/", pages.account_act, name="keepers-account-act"),
    path("grants/", pages.grants, name="keepers-grants"),
    path("grants/<int:pk>/end/", pages.end, name="keepers-grant-end"),
    path("locks/<int:pk>/<slug:act>/", pages.lock_act, name="keepers-lock-act"),
    path("audit/", pages.audit, name="keepers-audit"),
]
