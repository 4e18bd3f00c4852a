"""One engine per file; the file's name is what ``--driver`` says."""
