"""A server of llama.cpp on a free port of this machine, for as long as its standard input is open; prints its address.

    python llama_server.py MODEL NAME
"""
import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {sys.argv[2]}
params.hostnames = ["127.0.0.1"]
params.port = 0
# Two requests at a time, each with room for 2,048 tokens.
params.n_parallel = 2
params.n_ctx = 2 * 2048
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
# More than a client keeps open: a connection that waits for its next request has a thread of its own.
params.n_threads_http = 16
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
