"""What all rooms share. Each core is small, and depends only on the cores below it."""
