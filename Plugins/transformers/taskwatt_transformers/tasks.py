"""The tasks: which class of model answers each, and how one batch of queries is answered.

Six tasks run by the pipelines of transformers. Its version 5 has no pipelines for question answering, summarization and
captions any more; these do here what those of version 4 did, by the same steps. Images are made by diffusers.
"""

from .problem import FAILED, Problem

AUTO_CLASSES = {
    "text-classification": "AutoModelForSequenceClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "fill-mask": "AutoModelForMaskedLM",
    "token-classification": "AutoModelForTokenClassification",
    "image-classification": "AutoModelForImageClassification",
    "object-detection": "AutoModelForObjectDetection",
    "text-generation": "AutoModelForCausalLM",
    "summarization": "AutoModelForSeq2SeqLM",
    "image-to-text": "AutoModelForImageTextToText",
    "feature-extraction": "AutoModel",
}
GENERATES = ("text-generation", "summarization", "image-to-text")


def answerer(task, model, tools, settings, device):
    """A function that gives the answers to a list of `batch` queries, by the loaded model, and waits for nothing."""
    if task == "question-answering":
        return QuestionAnswering(model, tools.tokenizer, device)
    if task == "summarization":
        return Summarization(model, tools.tokenizer, settings, device)
    if task == "image-to-text":
        return Captioning(model, tools, settings, device)
    return _pipeline(task, model, tools, settings, device)


def _pipeline(task, model, tools, settings, device):
    import transformers

    options = {
        "text-classification": {"truncation": True},
        "fill-mask": {"tokenizer_kwargs": {"truncation": True}},
        "feature-extraction": {"tokenize_kwargs": {"truncation": True}, "return_tensors": True},
        # The new text alone, so that there is seen to be one; the pipeline decodes both all the same.
        "text-generation": {"max_new_tokens": settings.max_new_tokens, "truncation": True, "return_full_text": False,
                            **_search(settings)},
    }.get(task, {})
    pipeline = transformers.pipeline(
        task, model=model, tokenizer=tools.tokenizer, image_processor=tools.image_processor, device=device, **options)
    if settings.batch == 1:  # One query a call, as the paper did: no loader of batches around it.
        return lambda queries: [pipeline(queries[0])]
    return lambda queries: pipeline(queries, batch_size=settings.batch)


def _search(settings):
    """Never sampling, so that a run can be repeated; as many beams as the model's files say, unless it is told."""
    return {"do_sample": False, **({"num_beams": settings.num_beams} if settings.num_beams else {})}


def limit_generation(model, settings):
    """Takes sampling away, and, where the run gives its own, the model's limits of length."""
    config = getattr(model, "generation_config", None)
    if config is None:
        return
    # The last three only belong to sampling, and are warned of without it.
    config.do_sample, config.temperature, config.top_k, config.top_p = False, None, None, None
    if settings.task != "image-to-text" or settings.caption_length:
        config.max_length = config.min_length = config.max_new_tokens = config.min_new_tokens = None


class QuestionAnswering:
    """Extractive: the most likely span of the context, which is read in windows of 384 tokens, 128 in common."""

    WINDOW, STRIDE, LONGEST_ANSWER = 384, 128, 15

    def __init__(self, model, tokenizer, device):
        self._model, self._tokenizer, self._device = model, tokenizer, device
        self._window = min(self.WINDOW, tokenizer.model_max_length)

    def __call__(self, queries):
        import torch

        questions, contexts = [query["question"] for query in queries], [query["context"] for query in queries]
        encoded = self._tokenizer(
            questions, contexts, truncation="only_second", max_length=self._window,
            stride=min(self.STRIDE, self._window // 4), padding=True, return_overflowing_tokens=True,
            return_offsets_mapping=True, return_tensors="pt")
        owners = encoded.pop("overflow_to_sample_mapping").tolist()
        offsets = encoded.pop("offset_mapping")
        in_context = torch.tensor([[part == 1 for part in encoded.sequence_ids(row)] for row in range(len(owners))])
        with torch.inference_mode():
            output = self._model(**encoded.to(self._device))
        starts = output.start_logits.float().cpu().masked_fill(~in_context, -torch.inf)
        ends = output.end_logits.float().cpu().masked_fill(~in_context, -torch.inf)
        answers = [(-torch.inf, "")] * len(queries)
        for row, owner in enumerate(owners):
            score, first, last = self._span(starts[row], ends[row])
            if score > answers[owner][0]:
                answers[owner] = (score, contexts[owner][offsets[row][first][0]:offsets[row][last][1]])
        return answers

    def _span(self, starts, ends):
        """The best start and end, of at most 15 tokens, by the sum of their scores."""
        scores = starts[:, None] + ends[None, :]
        possible = scores.new_ones(scores.shape).triu().tril(self.LONGEST_ANSWER - 1).bool()
        scores = scores.masked_fill(~possible, float("-inf"))
        best = int(scores.argmax())
        return float(scores.flatten()[best]), best // len(starts), best % len(starts)


class Summarization:
    """Tokens in, `min_length` to `max_length` tokens out, and text of them; a text beyond the model's length is cut."""

    def __init__(self, model, tokenizer, settings, device):
        self._model, self._tokenizer, self._device = model, tokenizer, device
        self._options = {"max_length": settings.max_length, "min_length": settings.min_length, **_search(settings)}
        # T5 is told its task in the text.
        task = (getattr(model.config, "task_specific_params", None) or {}).get("summarization", {})
        self._prefix = task.get("prefix") or getattr(model.config, "prefix", None) or ""

    def __call__(self, queries):
        import torch

        encoded = self._tokenizer(
            [self._prefix + query for query in queries], truncation=True, padding=len(queries) > 1, return_tensors="pt")
        encoded.pop("token_type_ids", None)  # BART and T5 know none; some tokenizers make them.
        with torch.inference_mode():
            tokens = self._model.generate(**encoded.to(self._device), **self._options)
        return _texts(self._tokenizer, tokens, before=1)


def _texts(tokenizer, tokens, before):
    """The texts of what was generated, with how many tokens that were; `before` them is what a decoder begins with."""
    made = tokens.shape[-1] - before
    texts = tokenizer.batch_decode(tokens, skip_special_tokens=True)
    return [{"generated_text": text, "tokens": made} for text in texts]


class Captioning:
    """An image in, a caption out: `caption_length` new tokens at most, else as the model's files say, else 20."""

    USUAL_LENGTH = 20

    def __init__(self, model, tools, settings, device):
        self._model, self._device = model, device
        self._images, self._texts = tools.image_processor, tools.tokenizer
        self._options = _search(settings)
        said = model.generation_config
        if settings.caption_length or not (said.max_length or said.max_new_tokens):
            self._options["max_new_tokens"] = settings.caption_length or self.USUAL_LENGTH
        self._start = self._first_tokens(model.config)

    def _first_tokens(self, config):
        """What the text begins with, for models that do not know it by themselves."""
        if config.model_type == "git":
            return [self._texts.cls_token_id]
        if config.model_type == "blip-2":
            # Places for the image, then what its language model begins with; T5 has none.
            first = getattr(config.text_config, "bos_token_id", None)
            first = config.text_config.eos_token_id if first is None else first
            return [config.image_token_index] * config.num_query_tokens + [first]
        return None

    def __call__(self, queries):
        import torch

        pixels = self._images(images=queries, return_tensors="pt").pixel_values.to(self._device, self._model.dtype)
        options = dict(self._options)
        if self._start is not None:
            options["input_ids"] = torch.tensor([self._start] * len(queries), device=self._device)
        with torch.inference_mode():
            tokens = self._model.generate(pixel_values=pixels, **options)
        return _texts(self._texts, tokens, before=1 if self._model.config.is_encoder_decoder else 0)


class ImageGeneration:
    """A diffusers pipeline: a prompt in, an image out after `steps` steps."""

    def __init__(self, pipeline, settings):
        import torch

        self._pipeline = pipeline
        self._options = {"num_inference_steps": settings.steps, "guidance_scale": settings.guidance,
                         "generator": torch.Generator("cpu").manual_seed(settings.seed)}

    def __call__(self, queries):
        return self._pipeline(queries if len(queries) > 1 else queries[0], **self._options).images


def check_fits(task, config, transformers, name):
    """Raises Problem where the model's files are of another task: its head would be random, and nothing would tell."""
    auto = AUTO_CLASSES[task]
    mapping = getattr(transformers, auto)._model_mapping
    declared = list(getattr(config, "architectures", None) or [])
    what = " or ".join(declared) or config.model_type
    remedy = f"choose a model for {task}"
    if type(config) not in mapping.keys():
        raise Problem(f"the model {name} does not fit {task}: {what} is no {auto}", remedy, code=FAILED)
    classes = mapping[type(config)]
    classes = [kind.__name__ for kind in (classes if isinstance(classes, (list, tuple)) else [classes])]
    # Any model is an encoder of features, less its head. A causal model may be listed under another of its names.
    if task != "feature-extraction" and declared and not set(declared) & set(classes):
        raise Problem(f"the model {name} does not fit {task}: it is a {what}, not a {' or '.join(classes)}", remedy,
                      code=FAILED)
