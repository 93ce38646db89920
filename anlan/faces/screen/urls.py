from django.urls import path

from . import views

app_name = "screen"
urlpatterns = [path("", views.wall, name="wall"), path("state.json", views.state, name="state")]
