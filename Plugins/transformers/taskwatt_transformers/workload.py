"""One model, one data set and one device, from `initialize` to the last inference."""

import gc
import os
import sys
from types import SimpleNamespace

from . import answers, data, devices, models, tasks
from .problem import FAILED, INVALID_PARAMS, Problem, cause
from .settings import settings


class Workload:
    """What the protocol's server calls. `report` shows a person what takes so long."""

    def __init__(self, report):
        self._report = report
        self._answer = None
        self._model = None
        self._watch = None
        self._cursor = 0
        self.batch = 1

    # ---- Before anything is measured.

    def initialize(self, params):
        """Fetches and checks all files, reads the data set into memory, and says what will run."""
        asked = settings(params, self._report)
        if asked.task != "text-to-image" and asked.task not in tasks.AUTO_CLASSES:
            raise Problem(f"this plugin has no task `{asked.task}`", "see `taskwatt plugins`", code=INVALID_PARAMS)
        self._settings, self.batch = asked, asked.batch
        self._torch = torch = devices.import_torch(self._report)
        self._device = devices.device(torch, asked.device)
        self._dtype = getattr(torch, devices.PRECISIONS[asked.precision])
        if asked.threads:
            torch.set_num_threads(asked.threads)
        try:
            import transformers
        except Exception as error:
            raise Problem(f"transformers cannot be loaded: {cause(error)}", devices.INSTALL) from error
        transformers.utils.logging.disable_progress_bar()
        self._transformers, engine = transformers, f"PyTorch {torch.__version__}, "
        is_pipeline = asked.task == "text-to-image"
        if is_pipeline:
            diffusers = self._import_diffusers()
            engine += f"diffusers {diffusers.__version__}, "
        self._folder, self._name = models.locate(asked)
        config = None if is_pipeline else self._read_config()
        files = models.weight_files(self._folder, is_pipeline)
        self._tools = SimpleNamespace(tokenizer=None, image_processor=None)
        if is_pipeline:
            parameters = models.safetensors_parameters(files)
        else:
            parameters = self._count_parameters(config)
            self._read_tools(config)
        self._check_memory(files)
        mask = self._tools.tokenizer.mask_token if asked.task == "fill-mask" else None
        if asked.task == "fill-mask" and mask is None:
            raise Problem(f"the model {self._name} does not fit fill-mask: its tokenizer has no mask",
                          "choose a model for fill-mask", code=FAILED)
        self._queries, dataset = data.queries(asked, mask)
        description = {
            "model": self._name, "dataset": dataset, "device": asked.device, "precision": asked.precision,
            "batch": asked.batch, "engine": engine + f"transformers {transformers.__version__}",
            "model_sha256": models.sha256(files, asked), "parameter_count": parameters,
            "parameters": self._parameters(params),
        }
        return {key: value for key, value in description.items() if value is not None}

    def _parameters(self, params):
        """What it really runs with: what was given, and what the plugin chose in its place."""
        asked = self._settings
        ran = {**params.get("parameters", {}), "rows": len(self._queries), "threads": self._torch.get_num_threads()}
        if asked.task not in data.IMAGE_TASKS:
            ran["words"] = asked.words
        return {name: value for name, value in ran.items() if value is not None}

    def _import_diffusers(self):
        try:
            import diffusers
        except Exception as error:
            raise Problem(f"diffusers cannot be loaded: {cause(error)}", devices.INSTALL) from error
        diffusers.utils.logging.disable_progress_bar()
        return diffusers

    def _read_config(self):
        """The model's configuration, if it is one for the task."""
        if os.path.exists(os.path.join(self._folder, "model_index.json")):
            raise Problem(f"the model {self._name} does not fit {self._settings.task}: it is a diffusers pipeline",
                          f"choose a model for {self._settings.task}", code=FAILED)
        try:
            config = self._transformers.AutoConfig.from_pretrained(self._folder, local_files_only=True)
        except Exception as error:
            raise Problem(f"config.json of the model {self._name} cannot be read: {cause(error)}",
                          "fetch or save the model once more", code=FAILED) from error
        tasks.check_fits(self._settings.task, config, self._transformers, self._name)
        return config

    def _auto_class(self):
        return getattr(self._transformers, tasks.AUTO_CLASSES[self._settings.task])

    def _count_parameters(self, config):
        """The model's parameters, tied ones once, from a model without storage; None if it cannot be made so."""
        try:
            with self._torch.device("meta"):
                model = self._auto_class().from_config(config)
            return sum(parameter.numel() for parameter in model.parameters())
        except ImportError as error:  # timm, for some backbones.
            # transformers says in its first sentence what it lacks.
            lacks = cause(error).split(". ")[0]
            fits = sys.modules.get("torchvision", True) is not None
            remedy = devices.INSTALL if fits else (
                f"install the torchvision that belongs to PyTorch {self._torch.__version__} into the plugin's "
                "environment")
            raise Problem(f"the model {self._name} needs what is not installed: {lacks}", remedy) from error
        except Exception as error:
            print(f"the parameters of {self._name} cannot be counted: {cause(error)}", file=sys.stderr)
            return None

    def _read_tools(self, config):
        """The tokenizer and the image processor, as far as the task needs them."""
        asked, transformers = self._settings, self._transformers
        try:
            if asked.task in data.IMAGE_TASKS:
                self._tools.image_processor = transformers.AutoImageProcessor.from_pretrained(
                    self._folder, local_files_only=True)
            if asked.task not in ("image-classification", "object-detection"):
                self._tools.tokenizer = transformers.AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
        except Exception as error:
            what = "image processor" if self._tools.image_processor is None and asked.task in data.IMAGE_TASKS \
                else "tokenizer"
            raise Problem(f"the {what} of the model {self._name} cannot be loaded: {cause(error)}",
                          "choose a model whose folder has one, or fetch it once more", code=FAILED) from error
        tokenizer = self._tools.tokenizer
        if tokenizer is None:
            return
        tokenizer.model_max_length = min(tokenizer.model_max_length, _positions(config))
        if asked.task == "text-generation":
            # Long prompts lose their beginning, and leave room for the new tokens.
            tokenizer.model_max_length = max(1, tokenizer.model_max_length - asked.max_new_tokens)
            tokenizer.padding_side = tokenizer.truncation_side = "left"
        if tokenizer.pad_token is None and tokenizer.eos_token is not None:
            tokenizer.pad_token = tokenizer.eos_token

    def _check_memory(self, files):
        """Refuses a model that this machine's memory cannot hold, before the kernel ends the process for it."""
        if self._device.type != "cpu":
            return
        size, free = sum(map(os.path.getsize, files)), devices.available_memory()
        if free is not None and size > free:
            raise Problem(
                f"the model {self._name} is too big for memory: {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
                "choose a smaller model, or end other programs")

    # ---- The window `load model`.

    def prepare(self):
        """Loads the model onto the device, and nothing else."""
        self._answer = self._model = self._watch = None
        self._free()
        self._torch.manual_seed(self._settings.seed)
        try:
            if self._settings.task == "text-to-image":
                self._load_pipeline()
            else:
                self._load_model()
        except Problem:
            raise
        except Exception as error:
            self._answer = self._model = None
            raise self._failure("loaded", error) from error
        self.synchronize()

    def _load_model(self):
        model, info = self._auto_class().from_pretrained(
            self._folder, dtype=self._dtype, local_files_only=True, output_loading_info=True)
        missing = sorted(info.get("missing_keys", ()))
        if len(missing) * 2 > len(model.state_dict()):
            raise Problem(f"the weights in {self._folder} are not those of this model: {len(missing)} are missing, "
                          f"such as {missing[0]}", "fetch or save the model once more", code=FAILED)
        if missing:
            self._report(f"{len(missing)} weights of {self._name} are not in its files and are random: {missing[0]}")
        tasks.limit_generation(model, self._settings)
        self._model = model.to(self._device).eval()
        self._answer = tasks.answerer(self._settings.task, self._model, self._tools, self._settings, self._device)
        self._watch = answers.Watch(self._model, only_first=self._settings.task in tasks.GENERATES)

    def _load_pipeline(self):
        from diffusers import DiffusionPipeline

        pipeline = DiffusionPipeline.from_pretrained(self._folder, dtype=self._dtype, local_files_only=True)
        pipeline.set_progress_bar_config(disable=True)
        self._model = pipeline.to(self._device)
        self._answer = tasks.ImageGeneration(self._model, self._settings)

    def _failure(self, what, error):
        if isinstance(error, (self._torch.OutOfMemoryError, MemoryError)):
            return Problem(f"the model {self._name} does not fit into the memory of {self._settings.device}",
                           "choose a smaller model, or --precision fp16", code=FAILED)
        return Problem(f"the model {self._name} cannot be {what}: {type(error).__name__}: {cause(error)}",
                       "fetch or save the model once more, or choose another", code=FAILED)

    # ---- The measured loop.

    def infer(self):
        """Answers the next `batch` queries, and waits for the device; the data set begins anew at its end.

        Raises an error unless there was an answer to each.
        """
        count = len(self._queries)
        batch = [self._queries[(self._cursor + index) % count] for index in range(self.batch)]
        self._cursor = (self._cursor + self.batch) % count
        given = self._answer(batch)
        self.synchronize()
        calls = self._watch.check() if self._watch else 0
        answers.check(self._settings.task, given, self.batch, calls)

    def synchronize(self):
        devices.synchronize(self._torch, self._device)

    # ---- The end.

    def close(self):
        """Lets go of the model and the data set."""
        self._answer = self._model = self._watch = self._queries = self._tools = None
        self._free()

    def _free(self):
        gc.collect()
        if getattr(self, "_torch", None) is not None:
            devices.free_cached_memory(self._torch, self._device)


def _positions(config):
    """How many tokens the model can read; 512 where its configuration does not say."""
    # An encoder-decoder of two models (VisionEncoderDecoder) and a model of images with text keep it a level down.
    text = getattr(config, "decoder", None) or getattr(config, "text_config", None) or config
    for name in ("max_position_embeddings", "n_positions", "max_encoder_position_embeddings"):
        if isinstance(value := getattr(text, name, None), int) and value > 0:
            # RoBERTa and its kind begin to count after the padding token.
            offset = (getattr(text, "pad_token_id", None) or 0) + 1
            is_offset = text.model_type in ("roberta", "xlm-roberta", "camembert", "bertweet", "mpnet", "longformer")
            return value - offset if is_offset else value
    return 512
