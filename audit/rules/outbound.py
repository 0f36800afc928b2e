"""Examples for outbound.yaml, never run: `make audit` checks that each bad line is found and no good one is."""

# ruleid: client-library
import requests
# ruleid: client-library
import urllib.request
# ruleid: client-library
from urllib.request import urlopen
# ruleid: client-library
import smtplib
# ok: client-library
from urllib.parse import urlsplit

# ruleid: socket-that-calls-out
socket.create_connection((host, 80), timeout=5)
# ruleid: socket-that-calls-out
sock.connect((host, 80))
# ok: socket-that-calls-out
pool = signal.connect(receiver)

# ruleid: redirect-followed
client.get(url, allow_redirects=True)
# ruleid: redirect-followed
client.get(url, follow_redirects=True)
# ok: redirect-followed
client.get(url, allow_redirects=False)

# ruleid: certificate-not-checked
client.get(url, verify=False)
# ruleid: certificate-not-checked
context.check_hostname = False
# ok: certificate-not-checked
context.check_hostname = True
