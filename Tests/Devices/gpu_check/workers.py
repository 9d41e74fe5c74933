"""The processes that this check starts, each with limits: programs that run once, and workers that answer lines of JSON."""

import json
import os
import queue
import signal
import subprocess
import threading
import time


class StepError(Exception):
    """What went wrong, in a line."""


class Limit:
    """The time that is left, of the whole and of a step of it."""

    def __init__(self, seconds, clock=time.monotonic):
        self.clock = clock
        self.begin = clock()
        self.end = self.begin + seconds

    @property
    def spent(self):
        return self.clock() - self.begin

    @property
    def left(self):
        return max(0.0, self.end - self.clock())

    def within(self, seconds):
        """No longer than this one."""
        return Limit(min(seconds, self.left), self.clock)


def last_words(text, lines=3):
    """The end of what a program said, in one line."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(said[-lines:])[-600:]


def end(process):
    """Ends a process and all that it started in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run(command, limit, environment=None, ok=(0,)):
    """Runs a program to its end and returns what it printed.

    Raises StepError with its last words where it cannot be started, takes too long, or ends otherwise.
    """
    name = os.path.basename(str(command[0]))
    try:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", env=environment, start_new_session=True)
    except OSError as error:
        raise StepError(f"{command[0]} cannot be started: {error.strerror}") from error
    try:
        output, said = process.communicate(timeout=limit.left)
    except subprocess.TimeoutExpired as error:
        # What has come so far may be kept by a program that is asked to end.
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=2)
        except subprocess.TimeoutExpired:
            pass
        raise StepError(f"{name} was not done after {limit.spent:.0f} s") from error
    finally:
        end(process)
        process.stdout.close()
        process.stderr.close()
    if process.returncode not in ok:
        raise StepError(f"{name} {ending(process.returncode)}: {last_words(said or output) or 'it said nothing'}")
    return output


def ending(status):
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def run_json(command, limit, environment=None, ok=(0,)):
    output = run(command, limit, environment, ok)
    try:
        return json.loads(output)
    except ValueError as error:
        raise StepError(f"{os.path.basename(str(command[0]))} printed no JSON: {last_words(output)}") from error


class Worker:
    """A process that answers a line with a line. What it says besides is kept for when it ends."""

    def __init__(self, name, command, folder, environment=None):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        self.lines = queue.Queue()
        self.asked = 0
        try:
            with open(self.log, "wb") as log:
                self.process = subprocess.Popen(
                    [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                    errors="replace", env=environment, start_new_session=True)
        except OSError as error:
            raise StepError(f"{name} cannot be started: {error.strerror}") from error
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with self.process.stdout as output:
            for line in output:
                self.lines.put((time.monotonic(), line))
        self.lines.put(None)

    def send(self, text):
        try:
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError) as error:
            raise StepError(f"{self.name} has ended: {self.words}") from error

    def line(self, limit):
        return self.timed_line(limit)[1]

    def timed_line(self, limit):
        """(when it came, the line). What waits already is had without any time left."""
        try:
            line = self.lines.get(timeout=limit.left)
        except queue.Empty as error:
            raise StepError(f"{self.name} did not answer within {limit.spent:.0f} s") from error
        if line is None:
            # Whoever asks again hears it again.
            self.lines.put(None)
            raise StepError(f"{self.name} {ending(self.process.wait())}: {self.words}")
        return line

    def answer(self, limit):
        """The answer to the last question; the first is its greeting. Those to questions that were given up are passed over."""
        while True:
            text = self.line(limit)
            try:
                message = json.loads(text)
            except ValueError as error:
                raise StepError(f"{self.name} answered no JSON: {last_words(text)}") from error
            if message["id"] < self.asked:
                continue
            if "error" in message:
                raise StepError(f"{self.name}: {message['error']}")
            return message["result"]

    def ask(self, message, limit):
        self.asked += 1
        self.send(json.dumps({"id": self.asked, **message}))
        return self.answer(limit)

    @property
    def words(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return last_words(log.read()) or "it said nothing"

    def close(self, limit):
        """Closes its input and waits for its end. Returns its status."""
        self._close_input()
        try:
            return self.process.wait(limit.left)
        except subprocess.TimeoutExpired:
            return None
        finally:
            end(self.process)

    def kill(self):
        end(self.process)
        self._close_input()

    def _close_input(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass  # It has ended before it read all.
