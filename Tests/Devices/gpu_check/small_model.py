"""Makes a small text classifier with random weights and a tokenizer of its own, and fetches nothing: small_model.py FOLDER PLUGIN.

The plugin is the folder of the plugin transformers, which imports PyTorch in its own way.
"""

import string
import sys

sys.path.insert(0, sys.argv[2])
from taskwatt_transformers import devices  # noqa: E402

torch = devices.import_torch(print)
torch.manual_seed(0)

import transformers  # noqa: E402
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
letters = list(string.ascii_lowercase)
vocabulary = [*SPECIAL, ".", "?", *letters, *("##" + letter for letter in letters)]
tokenizer = Tokenizer(models.WordPiece({word: index for index, word in enumerate(vocabulary)}, unk_token="[UNK]"))
tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
config = transformers.BertConfig(
    vocab_size=len(vocabulary), hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024,
    max_position_embeddings=512)
transformers.BertForSequenceClassification(config).save_pretrained(sys.argv[1])
transformers.PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
    model_max_length=512).save_pretrained(sys.argv[1])
