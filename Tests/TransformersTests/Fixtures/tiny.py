"""What the makers of small models share: the libraries, a tokenizer with a vocabulary of some 200 words, and saving."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../Plugins/transformers"))
from taskwatt_transformers import devices, synthetic  # noqa: E402

torch = devices.import_torch(print)

import transformers as t  # noqa: E402
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
root = sys.argv[1]
torch.manual_seed(0)
vocabulary = SPECIAL + [".", "?", *sorted(set(synthetic.WORDS))]
sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def tokenizer():
    """Words and punctuation by a fixed vocabulary, framed as BERT does."""
    made = Tokenizer(models.WordPiece({word: index for index, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=512)


def save(name, model, *others):
    for part in (model, *others):
        part.save_pretrained(os.path.join(root, name))
