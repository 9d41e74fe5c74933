#!/usr/bin/env python3
"""The plugin `transformers` of Taskwatt: models of Hugging Face transformers and diffusers, run as the paper ran them.

Speaks the plugin protocol on standard input and output. Everything else is in the package beside this file.
"""
import os
import sys

sys.dont_write_bytecode = True  # The plugin's directory may not be the user's to write in.
# Nothing may be sent anywhere, and no bar may be drawn, in what is measured.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")

from taskwatt_transformers.protocol import Output, Server  # noqa: E402
from taskwatt_transformers.workload import Workload  # noqa: E402

if __name__ == "__main__":
    # Whatever a library prints to standard output, from Python or from C, goes to standard error from here on.
    messages = os.dup(1)
    os.dup2(2, 1)
    os.set_inheritable(messages, False)
    output = Output(messages)
    output.end_with_reader()
    Server(Workload, output).serve(sys.stdin.buffer)
    # Taking large libraries down by the book takes seconds, and a plugin has one to end in. Nothing is left to write.
    sys.stderr.flush()
    os._exit(0)
