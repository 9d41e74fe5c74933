"""Counts what one inference of each generating model really does, and prints it as JSON.

    python count_work.py MODELS

The models of make_models.py are told to know no end of text, so that the limits of length alone end them.
"""
import json
import os
import shutil
import sys
import tempfile
import weakref

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../Plugins/transformers"))
from taskwatt_transformers.workload import Workload  # noqa: E402

models, counts = sys.argv[1], {}


def work(task, part, model=None, **parameters):
    """The calls of a part of the model in one inference, the rows of the first, and the length of the last."""
    workload = Workload(lambda message: None)
    with tempfile.TemporaryDirectory() as cache:
        workload.initialize({
            "task": task, "device": "cpu", "seed": 1, "cache_directory": cache,
            "model": model or os.path.join(models, task), "parameters": {"samples": 2, "threads": 1, **parameters}})
    workload.prepare()
    if hasattr(workload._model, "generation_config"):
        workload._model.generation_config.eos_token_id = None
    calls = []

    def count(module, arguments, options):
        tensors = [value for value in (*arguments, *options.values()) if hasattr(value, "shape") and value.dim() > 1]
        calls.append(list(tensors[0].shape))

    part(workload._model).register_forward_pre_hook(count, with_kwargs=True)
    workload.infer()
    gone = weakref.ref(workload._model.unet if task == "text-to-image" else workload._model)
    workload.close()
    assert gone() is None, f"the model of {task} is still in memory"
    return {"calls": len(calls), "rows": calls[0][0], "last": calls[-1][1]}


# 120 words of context and 10 of a question, in windows of the model's 128 tokens, 32 in common.
counts["windows"] = work("question-answering", lambda model: model)
counts["ten tokens"] = work("text-generation", lambda model: model)
counts["three tokens"] = work("text-generation", lambda model: model, max_new_tokens=3)
counts["four beams"] = work("text-generation", lambda model: model, num_beams=4)
counts["summary"] = work("summarization", lambda model: model.model.decoder)
counts["one encoding"] = work("summarization", lambda model: model.model.encoder)
counts["caption"] = work("image-to-text", lambda model: model.decoder)
counts["caption of 5"] = work("image-to-text", lambda model: model.decoder, caption_length=5)
counts["image once"] = work("image-to-text", lambda model: model.encoder)
counts["guided steps"] = work("text-to-image", lambda model: model.unet, steps=4)
counts["unguided steps"] = work("text-to-image", lambda model: model.unet, steps=4, guidance=1.0)
with tempfile.TemporaryDirectory() as folder:
    # As the files of ViT-GPT2 and BART-large-CNN: a length and beams of the model's own.
    changed = shutil.copytree(os.path.join(models, "image-to-text"), os.path.join(folder, "captions"))
    with open(os.path.join(changed, "generation_config.json"), "r+", encoding="utf-8") as file:
        said = json.load(file)
        file.seek(0)
        json.dump({**said, "max_length": 16, "num_beams": 4}, file)
    counts["the files' caption"] = work("image-to-text", lambda model: model.decoder, model=changed)
    counts["greedy caption"] = work("image-to-text", lambda model: model.decoder, model=changed, num_beams=1)
counts["a batch"] = work("text-generation", lambda model: model, batch=2)
print(json.dumps(counts))
