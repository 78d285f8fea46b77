"""Files on disk: atomic writes, safe reading of NumPy files and pickles, HTML pages, and progress of long work."""
