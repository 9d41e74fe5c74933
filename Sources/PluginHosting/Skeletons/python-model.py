"""What is measured: put your own here. An error in it is reported with its file and line."""
import time


def prepare(milliseconds=5):
    """Loads the model; its energy is measured apart. It gets the parameters of plugin.yaml, by their names."""
    global seconds
    if not isinstance(milliseconds, (int, float)) or milliseconds < 0:
        raise ValueError("milliseconds must be a number of 0 or more, such as milliseconds=5")
    seconds = milliseconds / 1000


def infer():
    """Answers one query, and waits for the device to finish. This is what costs the energy of the table."""
    time.sleep(seconds)
