"""Files from outside: fetched once, resumed, checked before use, unpacked inside their folder.

Data sets and weights share this one implementation. pooch serves for the cache folder and the hashes; its
downloader starts over after every break, knows one URL a file and waits for ever on a server that sends a
byte a minute, so the transfer itself is written here over ``requests``, which pooch brings along.
"""

from facezoo.download.archives import Limits, extract, member_names, staged_folder
from facezoo.download.fetch import fetch
from facezoo.download.remote import Options, RemoteFile

__all__ = ["fetch", "RemoteFile", "Options", "extract", "member_names", "staged_folder", "Limits"]
