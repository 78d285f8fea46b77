"""Published checkpoint layouts of other projects, one file each."""
