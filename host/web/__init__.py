"""The built-in live page: what runs on a phone beside the treadmill and on the coach's screen.

`server.LivePage` serves the files in static/ and sends the feed through one WebSocket. The browser does the rest.
"""
