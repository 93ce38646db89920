"""Programs of others that do the same work, begun beside the figures and measured in the same run. None is a dependency:
whichever is not on the machine is said to be missing, and its figure is left out."""
