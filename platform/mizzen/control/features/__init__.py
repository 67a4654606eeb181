"""Feature views of a project: which versions the feature store holds, and computing one anew."""
