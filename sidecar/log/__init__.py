"""A log that is rotated in every way, as files and bytes; `tail` reads it through these.

carriers     which files carry which generation of the log now
lineage      which there are, and how a file is told to be one
generations  its lives, each read on block by block
marks        whether a file still is what was read of it
positions    how far each was read (pure)
siblings     the files beside it
sources      their bytes, plain
packed       and unpacked
zstd_file    a .zst file, as the standard library reads the others
release      gives back the disk space of what was read
numbering    which requests have no line (pure)
samples      bad lines, said at most once a minute
"""
