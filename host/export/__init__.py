"""A stored session as files for other programs: tables (CSV, Parquet) and FIT, which training services read.

`write.py` writes the files that `hamstream export` is asked for; the others make what is in them, and are pure.
"""
