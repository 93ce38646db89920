"""Addresses of the desk."""

from django.urls import path

from . import calls, events, handover, home, intake, orders, papers, phone, signals, worlds

app_name = "desk"
urlpatterns = [
    path("", home.home, name="home"),
    path("some/", home.some, name="some"),
    path("today/", home.today, name="today"),
    path("proposals/<int:pk>/confirm/", home.confirm, name="confirm"),
    path("proposals/<int:pk>/decline/", home.decline, name="decline"),
    path("alarms/acknowledge/", home.acknowledge, name="acknowledge"),
    path("calls/", calls.many, name="calls"),
    path("calls/<int:pk>/", calls.one, name="call"),
    path("calls/<int:pk>/print/", calls.sheet, name="call-sheet"),
    path("calls/<int:pk>/branch/<str:code>/", calls.branch, name="branch"),
    path("addressees/<int:pk>/", calls.person, name="addressee"),
    path("addressees/<int:pk>/answer/", calls.answer, name="answer"),
    path("addressees/<int:pk>/again/", calls.again, name="again"),
    path("events/<int:pk>/", events.one, name="event"),
    path("events/<int:pk>/close/", events.close, name="close"),
    path("events/<int:pk>/order/", orders.give, name="give"),
    path("events/<int:pk>/report.docx", papers.report, name="report"),
    path("events/<int:pk>/chronicle.docx", papers.chronicle, name="chronicle"),
    path("events/<int:pk>/chronicle.xlsx", papers.lines, name="lines"),
    path("events/<int:pk>/bulletin.docx", papers.of_event, name="event-bulletin"),
    path("units/", orders.units, name="units"),
    path("orders/<int:pk>/<slug:step>/", orders.step, name="order-step"),
    path("intake/new/", intake.new, name="intake-new"),
    path("intake/<int:pk>/", intake.one, name="intake"),
    path("intake/<int:pk>/receive/", intake.receive, name="receive"),
    path("intake/<int:pk>/convert/", intake.convert, name="convert"),
    path("intake/<int:pk>/bulletin.docx", papers.of_intake, name="intake-bulletin"),
    path("reports/<slug:kind>/<int:pk>/<slug:step>/", intake.report, name="report-step"),
    path("handover/", handover.desk, name="handover"),
    path("handover/<int:pk>/", handover.one, name="handover-one"),
    path("handover/<int:pk>/record.docx", handover.record, name="handover-record"),
    path("handover/<int:pk>/<slug:step>/", handover.step, name="handover-step"),
    path("phone/", phone.log, name="phone"),
    path("phone/<int:pk>/<slug:step>/", phone.step, name="phone-step"),
    path("signals/new/", signals.new, name="signal-new"),
    path("signals/<int:pk>/lift/", signals.lift, name="signal-lift"),
    path("worlds/", worlds.many, name="worlds"),
    path("worlds/replay/", worlds.replay, name="replay"),
    path("worlds/exercise/", worlds.exercise, name="exercise"),
    path("worlds/<int:pk>/<slug:act>/", worlds.change, name="world"),
]
