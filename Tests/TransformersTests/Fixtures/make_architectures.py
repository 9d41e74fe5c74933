"""Makes a small model of each other architecture that the paper's 80 models have, as TASK--ARCHITECTURE in a folder.

    python make_architectures.py FOLDER
"""
from tiny import save, sizes, t, tokenizer, vocabulary

words = len(vocabulary)
bert = {"vocab_size": words, **sizes}
roberta = {"max_position_embeddings": 130, "pad_token_id": 1, **bert}
distilbert = t.DistilBertConfig(vocab_size=words, dim=32, n_layers=2, n_heads=2, hidden_dim=64)
special = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
seq2seq = {
    "vocab_size": words, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "decoder_start_token_id": 3, **special}
t5 = t.T5Config(vocab_size=words, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, decoder_start_token_id=0)
opt = t.OPTConfig(
    vocab_size=words, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, ffn_dim=64,
    max_position_embeddings=64, word_embed_proj_dim=32, **special)
small_image = {"height": 32, "width": 32}
vision = {"image_size": 32, "patch_size": 8, **sizes}

save("text-classification--roberta", t.RobertaForSequenceClassification(t.RobertaConfig(**roberta)), tokenizer())
save("text-classification--xlm-roberta", t.XLMRobertaForSequenceClassification(t.XLMRobertaConfig(**roberta)),
     tokenizer())
save("text-classification--distilbert", t.DistilBertForSequenceClassification(distilbert), tokenizer())
save("question-answering--electra", t.ElectraForQuestionAnswering(t.ElectraConfig(embedding_size=32, **bert)),
     tokenizer())
save("question-answering--deberta-v2", t.DebertaV2ForQuestionAnswering(t.DebertaV2Config(**bert)), tokenizer())
save("fill-mask--albert", t.AlbertForMaskedLM(t.AlbertConfig(embedding_size=16, **bert)), tokenizer())
save("fill-mask--deberta", t.DebertaForMaskedLM(t.DebertaConfig(**bert)), tokenizer())
save("image-classification--vit", t.ViTForImageClassification(t.ViTConfig(**sizes)), t.ViTImageProcessor())
save("image-classification--beit", t.BeitForImageClassification(t.BeitConfig(**sizes)), t.BeitImageProcessor())
save("image-classification--convnextv2", t.ConvNextV2ForImageClassification(
    t.ConvNextV2Config(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1])), t.ConvNextImageProcessor())
save("image-classification--mobilenet-v1", t.MobileNetV1ForImageClassification(
    t.MobileNetV1Config(depth_multiplier=0.25)), t.MobileNetV1ImageProcessor())
save("object-detection--yolos", t.YolosForObjectDetection(
    t.YolosConfig(image_size=[96, 128], num_detection_tokens=10, **sizes)),
    t.YolosImageProcessor(size={"shortest_edge": 96, "longest_edge": 160}))
backbone = t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1], layer_type="basic",
                          out_features=["stage2", "stage3", "stage4"])
save("object-detection--deformable-detr", t.DeformableDetrForObjectDetection(t.DeformableDetrConfig(
    use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, d_model=32,
    encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
    decoder_ffn_dim=32, num_queries=10)),
    t.DeformableDetrImageProcessor(size={"shortest_edge": 96, "longest_edge": 160}))
save("text-generation--gpt-neo", t.GPTNeoForCausalLM(t.GPTNeoConfig(
    vocab_size=words, max_position_embeddings=64, hidden_size=32, num_layers=2, num_heads=2, bos_token_id=2,
    eos_token_id=3, attention_types=[[["global", "local"], 1]])), tokenizer())
save("text-generation--bloom", t.BloomForCausalLM(
    t.BloomConfig(vocab_size=words, hidden_size=32, n_layer=2, n_head=2, **special)), tokenizer())
save("text-generation--opt", t.OPTForCausalLM(opt), tokenizer())
save("summarization--pegasus", t.PegasusForConditionalGeneration(
    t.PegasusConfig(max_position_embeddings=128, **seq2seq)), tokenizer())
save("summarization--led", t.LEDForConditionalGeneration(t.LEDConfig(
    max_encoder_position_embeddings=512, max_decoder_position_embeddings=64, attention_window=[32, 32], **seq2seq)),
    tokenizer())
save("summarization--t5", t.T5ForConditionalGeneration(t5), tokenizer())
save("image-to-text--blip", t.BlipForConditionalGeneration(t.BlipConfig(
    text_config={**bert, "max_position_embeddings": 64, "sep_token_id": 3, "encoder_hidden_size": 32,
                 "projection_dim": 32, **special},
    vision_config=vision, projection_dim=32)), t.BlipImageProcessor(size=small_image), tokenizer())
save("image-to-text--git", t.GitForCausalLM(t.GitConfig(
    vision_config=vision, max_position_embeddings=64, **bert, **special)),
    t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=small_image), tokenizer())
former = t.Blip2QFormerConfig(encoder_hidden_size=32, **bert)
for name, language in (("opt", opt), ("t5", t5)):
    save(f"image-to-text--blip-2-{name}", t.Blip2ForConditionalGeneration(t.Blip2Config(
        vision_config=vision, qformer_config=former.to_dict(), text_config=language.to_dict(), num_query_tokens=4,
        image_token_index=words - 1)), t.BlipImageProcessor(size=small_image), tokenizer())
