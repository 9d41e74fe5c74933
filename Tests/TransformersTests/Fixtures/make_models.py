"""Makes a small model for each task, with random weights and a tokenizer of its own, in the folder that is named.

    python make_models.py FOLDER

Each is of the architecture that the task's default model has, made by from_config and save_pretrained.
"""
from tiny import save, sizes, t, tokenizer, vocabulary

bert = t.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=128, **sizes)
save("text-classification", t.BertForSequenceClassification(bert), tokenizer())
save("question-answering", t.BertForQuestionAnswering(bert), tokenizer())
save("fill-mask", t.BertForMaskedLM(bert), tokenizer())
save("token-classification", t.BertForTokenClassification(bert), tokenizer())

gpt2 = t.GPT2Config(vocab_size=len(vocabulary), n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=2,
                    eos_token_id=3)
save("text-generation", t.GPT2LMHeadModel(gpt2), t.PreTrainedTokenizerFast(
    tokenizer_object=tokenizer().backend_tokenizer, unk_token="[UNK]", eos_token="[SEP]"))

bart = t.BartConfig(
    vocab_size=len(vocabulary), d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
    decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=256, pad_token_id=0,
    bos_token_id=2, eos_token_id=3, decoder_start_token_id=3, forced_eos_token_id=3)
save("summarization", t.BartForConditionalGeneration(bart), tokenizer())

resnet = t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1], layer_type="basic")
save("image-classification", t.ResNetForImageClassification(resnet),
     t.ConvNextImageProcessor(size={"shortest_edge": 64}))

backbone = t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1], layer_type="basic",
                          out_features=["stage4"])
detr = t.DetrConfig(
    use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, d_model=32,
    encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
    decoder_ffn_dim=64, num_queries=10)
save("object-detection", t.DetrForObjectDetection(detr),
     t.DetrImageProcessor(size={"shortest_edge": 96, "longest_edge": 160}))

vit = t.ViTConfig(image_size=32, patch_size=8, **sizes)
decoder = t.GPT2Config(vocab_size=len(vocabulary), n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=2,
                       eos_token_id=3, add_cross_attention=True, is_decoder=True)
both = t.VisionEncoderDecoderConfig.from_encoder_decoder_configs(vit, decoder)
both.decoder_start_token_id, both.pad_token_id, both.eos_token_id = 2, 0, 3
captions = t.VisionEncoderDecoderModel(config=both)
captions.generation_config.decoder_start_token_id = 2
captions.generation_config.pad_token_id = 0
captions.generation_config.eos_token_id = 3
save("image-to-text", captions, t.ViTImageProcessor(size={"height": 32, "width": 32}), tokenizer())


def stable_diffusion():
    import diffusers as d

    unet = d.UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32, norm_num_groups=8)
    vae = d.AutoencoderKL(
        block_out_channels=[32, 64], in_channels=3, out_channels=3, latent_channels=4, norm_num_groups=8,
        down_block_types=["DownEncoderBlock2D", "DownEncoderBlock2D"],
        up_block_types=["UpDecoderBlock2D", "UpDecoderBlock2D"])
    clip = t.CLIPTextModel(t.CLIPTextConfig(
        vocab_size=1000, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=77, bos_token_id=998, eos_token_id=999, pad_token_id=999))
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    clip_tokenizer = t.CLIPTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[],
                                     model_max_length=77)
    scheduler = d.PNDMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True)
    save("text-to-image", d.StableDiffusionPipeline(
        unet=unet, vae=vae, text_encoder=clip, tokenizer=clip_tokenizer, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, image_encoder=None, requires_safety_checker=False))


stable_diffusion()
