"""The report of a session: one HTML file that needs nothing else, for the runner to read after the run.

`material.py` reads the store, `page.report_html` makes the page of what was read; all between is pure.
"""
