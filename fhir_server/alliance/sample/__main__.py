"""`python -m fhir_server.alliance.sample B 1`: the bundles of a network, one a line."""

import signal
import sys

from fhir_server.alliance.sample.networks import bundles
from fhir_server.alliance.sample.world import World
from fhir_server.resource import encode

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # who reads was killed: end without a word
letter, seed = sys.argv[1:]
for bundle in bundles(World(letter, int(seed))):
    sys.stdout.buffer.write(encode(bundle) + b"\n")
    sys.stdout.buffer.flush()
