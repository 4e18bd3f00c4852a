"""Functions of ``stats``: one file each; the file's name is the function's."""
