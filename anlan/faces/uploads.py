"""A ceiling over the whole of an upload, before any of it is written to disk."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

MOST_BYTES = 100 * 1024 * 1024


class Ceiling(FileUploadHandler):
    """Stands before Django's own handlers and takes nothing itself."""

    def handle_raw_input(self, input_data: Any, META: dict, content_length: int, *rest: Any, **more: Any) -> None:
        if content_length > MOST_BYTES:
            raise RequestDataTooBig(f"{content_length} bytes")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
