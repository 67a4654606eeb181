"""Objects as files below a folder (`file:///mnt/shared/predictions`)."""
