"""Downloads: fetched once, resumed, checked before use, unpacked inside their folder.

Data sets and weights share this one implementation, on ``requests``. pooch is not used: its downloader starts over
after every interruption, takes one URL per file and never times out on a server that sends a byte per minute.
"""

from facezoo.download.archives import Limits, extract, member_names
from facezoo.download.fetch import fetch
from facezoo.download.remote import Options, RemoteFile
from facezoo.download.staging import staged_folder

__all__ = ["fetch", "RemoteFile", "Options", "extract", "member_names", "staged_folder", "Limits"]
