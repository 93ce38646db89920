"""Files: attachments by content, with time, place and sender."""
