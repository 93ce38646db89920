from django.urls import path

from . import across, attach, exchange, pages, stats

app_name = "registers"
urlpatterns = [
    path("", pages.index, name="index"),
    path("indicators/", across.indicators, name="indicators"),
    path("indicators/<str:name>/", across.indicator, name="indicator"),
    path("near/", across.around, name="near"),
    path("<slug:name>/", pages.many, name="list"),
    path("<slug:name>/new/", pages.new, name="new"),
    path("<slug:name>/pick/", pages.pick, name="pick"),
    path("<slug:name>/export/", exchange.export, name="export"),
    path("<slug:name>/template/", exchange.template, name="template"),
    path("<slug:name>/import/", exchange.take_in, name="import"),
    path("<slug:name>/stats/", stats.stats, name="stats"),
    path("<slug:name>/layer/", exchange.layer, name="layer"),
    path("<slug:name>/<str:pk>/", pages.one, name="detail"),
    path("<slug:name>/<str:pk>/attach/", attach.attach, name="attach"),
    path("<slug:name>/<str:pk>/edit/", pages.edit, name="edit"),
    path("<slug:name>/<str:pk>/move/<slug:step>/", pages.move, name="move"),
]
