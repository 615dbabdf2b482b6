"""Going on with a run: training states on disk, and whether a run may go on with what is asked."""
