"""What shows that an inference was one: an answer to each query, with something in it, made of numbers."""

import math

from .problem import FAILED, Problem

# Nothing may be found in a query, and that is an answer.
MAY_BE_EMPTY = ("token-classification", "object-detection")


def check(task, answers, count, calls):
    """Raises Problem unless there are `count` answers, each of which is one.

    The model was called `calls` times for them.
    """
    answers = list(answers)
    if len(answers) != count:
        raise Problem(f"the model gave {len(answers)} answers to {count} queries", "choose another model", code=FAILED)
    for answer in answers:
        fault = _fault(task, answer, calls)
        if fault:
            raise Problem(f"the model's answer {fault}", "choose another model, --precision or data set", code=FAILED)


def _fault(task, answer, calls):
    """What is wrong with an answer; None if nothing is."""
    if hasattr(answer, "isfinite"):  # A tensor.
        if not answer.numel():
            return "is empty"
        return None if bool(answer.isfinite().all()) else "is no number (NaN or infinite)"
    if hasattr(answer, "getbbox"):  # An image: of what is no number, or was filtered, diffusers makes a black one.
        return None if answer.getbbox() else "is a black image"
    if isinstance(answer, dict):
        if "generated_text" in answer:
            # A text may be of tokens without a letter, such as that of its end: each took a call of the model.
            return None if answer["generated_text"] or answer.get("tokens", calls) else "is empty"
        score = answer.get("score", 0)
        return None if math.isfinite(score) else f"has the score {score}"
    if isinstance(answer, tuple):  # Of question answering: the score, and the text.
        return None if math.isfinite(answer[0]) else f"has the score {answer[0]}"
    parts = list(answer)
    if not parts and task not in MAY_BE_EMPTY:
        return "is empty"
    return next(filter(None, (_fault(task, part, calls) for part in parts)), None)


class Watch:
    """Looks whether what a model puts out is NaN, which an answer may hide: of NaN a detector finds nothing.

    It looks at one number of each token or box, on the device and without waiting for it. A model that generates is
    called once a token, so it is looked at for its first answer alone.
    """

    NAMES = ("logits", "start_logits", "end_logits", "last_hidden_state", "pred_boxes")

    def __init__(self, model, only_first):
        self._only_first, self._is_bad, self._calls, self._looks = only_first, None, 0, True
        model.register_forward_hook(self._look)

    def _look(self, _module, _inputs, output):
        self._calls += 1
        for name in self.NAMES if self._looks else ():
            value = getattr(output, name, None)
            if value is not None and value.is_floating_point() and value.numel():
                bad = value[..., :1].isnan().any()
                self._is_bad = bad if self._is_bad is None else self._is_bad | bad

    def check(self):
        """Called when the device has finished. Returns how often the model was called since it was called last.

        Raises Problem if there was a NaN since then.
        """
        is_bad, self._is_bad, calls, self._calls = self._is_bad, None, self._calls, 0
        if is_bad is None:
            return calls
        if bool(is_bad):
            raise Problem("the model puts out no numbers (NaN)", "choose another model, or --precision fp32",
                          code=FAILED)
        self._looks = not self._only_first
        return calls
