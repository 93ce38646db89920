"""Where the SensorThings service stands."""

from django.urls import path

from . import views

app_name = "sensorthings"
urlpatterns = [path("v1.1", views.serve, name="root"), path("v1.1/<path:path>", views.serve, name="entity"), path("v1.1/", views.serve)]
