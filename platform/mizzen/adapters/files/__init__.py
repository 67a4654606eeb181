"""What lies in folders: objects of a store, and the files that data is read from."""
