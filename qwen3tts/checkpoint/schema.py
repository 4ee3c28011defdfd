"""The tensors that a release has to hold, from its configuration alone: name -> shape.

Names are those of the official modules' state dicts. Linear weights are (out, in), convolutions (out, in, kernel), transposed
convolutions (in, out, kernel).
"""

from __future__ import annotations

from qwen3tts.config import CodecConfig, CodecDecoderConfig, CodecEncoderConfig, ModelConfig, SpeakerEncoderConfig, StackConfig

Shapes = dict[str, tuple[int, ...]]


def model_tensors(config: ModelConfig) -> Shapes:
    """Tensors of `model.safetensors`: the talker, the code predictor and, for a base model, the speaker encoder."""
    talker, predictor = config.talker_config, config.talker_config.code_predictor_config
    width, text_width = talker.hidden_size, talker.text_hidden_size
    shapes: Shapes = {
        "talker.model.text_embedding.weight": (talker.text_vocab_size, text_width),
        "talker.model.codec_embedding.weight": (talker.vocab_size, width),
        "talker.codec_head.weight": (talker.vocab_size, width),
        **_affine("talker.text_projection.linear_fc1", (text_width, text_width)),
        **_affine("talker.text_projection.linear_fc2", (width, text_width)),
        **_stack("talker.model", talker),
        **_stack("talker.code_predictor.model", predictor),
    }
    for i in range(predictor.num_code_groups - 1):
        shapes[f"talker.code_predictor.model.codec_embedding.{i}.weight"] = (predictor.vocab_size, width)
        shapes[f"talker.code_predictor.lm_head.{i}.weight"] = (predictor.vocab_size, predictor.hidden_size)
    if predictor.hidden_size != width:
        shapes |= _affine("talker.code_predictor.small_to_mtp_projection", (predictor.hidden_size, width))
    if config.kind == "base":
        shapes |= _speaker_encoder("speaker_encoder", config.speaker_encoder_config)
    return shapes


def codec_tensors(config: CodecConfig) -> Shapes:
    """Tensors of `speech_tokenizer/model.safetensors`: the codec's decoder and encoder."""
    return _decoder("decoder", config.decoder_config) | _encoder("encoder", config.encoder_config)


def _affine(name: str, weight: tuple[int, ...], out: int | None = None) -> Shapes:
    """A weight with its bias; `out` is the bias's width where it is not the weight's first dimension."""
    return {f"{name}.weight": weight, f"{name}.bias": (weight[0] if out is None else out,)}


def _stack(name: str, config: StackConfig) -> Shapes:
    width, inner = config.hidden_size, config.intermediate_size
    shapes: Shapes = {f"{name}.norm.weight": (width,)}
    for i in range(config.num_hidden_layers):
        layer = f"{name}.layers.{i}"
        shapes |= {
            f"{layer}.input_layernorm.weight": (width,),
            f"{layer}.self_attn.q_proj.weight": (config.query_size, width),
            f"{layer}.self_attn.k_proj.weight": (config.key_value_size, width),
            f"{layer}.self_attn.v_proj.weight": (config.key_value_size, width),
            f"{layer}.self_attn.q_norm.weight": (config.head_dim,),
            f"{layer}.self_attn.k_norm.weight": (config.head_dim,),
            f"{layer}.self_attn.o_proj.weight": (width, config.query_size),
            f"{layer}.post_attention_layernorm.weight": (width,),
            f"{layer}.mlp.gate_proj.weight": (inner, width),
            f"{layer}.mlp.up_proj.weight": (inner, width),
            f"{layer}.mlp.down_proj.weight": (width, inner),
        }
    return shapes


def _speaker_encoder(name: str, config: SpeakerEncoderConfig) -> Shapes:
    """ECAPA-TDNN: a TDNN block, SE-Res2Net blocks, feature aggregation, attentive statistics pooling, a projection."""
    channels, kernels = config.enc_channels, config.enc_kernel_sizes
    shapes = _affine(f"{name}.blocks.0.conv", (channels[0], config.mel_dim, kernels[0]))
    for i in range(1, len(channels) - 1):
        block, width, part = f"{name}.blocks.{i}", channels[i], channels[i] // config.enc_res2net_scale
        shapes |= _affine(f"{block}.tdnn1.conv", (width, channels[i - 1], 1))
        for j in range(config.enc_res2net_scale - 1):
            shapes |= _affine(f"{block}.res2net_block.blocks.{j}.conv", (part, part, kernels[i]))
        shapes |= _affine(f"{block}.tdnn2.conv", (width, width, 1))
        shapes |= _affine(f"{block}.se_block.conv1", (config.enc_se_channels, width, 1))
        shapes |= _affine(f"{block}.se_block.conv2", (width, config.enc_se_channels, 1))
    last = channels[-1]
    return {
        **shapes,
        **_affine(f"{name}.mfa.conv", (last, last, kernels[-1])),
        **_affine(f"{name}.asp.tdnn.conv", (config.enc_attention_channels, 3 * last, 1)),
        **_affine(f"{name}.asp.conv", (last, config.enc_attention_channels, 1)),
        **_affine(f"{name}.fc", (config.enc_dim, 2 * last, 1)),
    }


def _decoder(name: str, config: CodecDecoderConfig) -> Shapes:
    latent = config.latent_dim
    shapes = {
        **_decoder_quantizer(f"{name}.quantizer.rvq_first", config, 1),
        **_decoder_quantizer(f"{name}.quantizer.rvq_rest", config, config.num_quantizers - 1),
        **_affine(f"{name}.pre_conv.conv", (latent, config.codebook_dim, 3)),
        **_decoder_transformer(f"{name}.pre_transformer", config),
    }
    for i, ratio in enumerate(config.upsampling_ratios):
        block = f"{name}.upsample.{i}"
        shapes |= _affine(f"{block}.0.conv", (latent, latent, ratio))
        shapes |= _affine(f"{block}.1.dwconv.conv", (latent, 1, 7))
        shapes |= _affine(f"{block}.1.norm", (latent,))
        shapes |= _affine(f"{block}.1.pwconv1", (4 * latent, latent))
        shapes |= _affine(f"{block}.1.pwconv2", (latent, 4 * latent))
        shapes[f"{block}.1.gamma"] = (latent,)

    width, blocks = config.decoder_dim, f"{name}.decoder"
    shapes |= _affine(f"{blocks}.0.conv", (width, latent, 7))
    for i, rate in enumerate(config.upsample_rates, start=1):
        shapes |= _snake(f"{blocks}.{i}.block.0", width)
        shapes |= _affine(f"{blocks}.{i}.block.1.conv", (width, width // 2, 2 * rate), out=width // 2)
        width //= 2
        for j in range(2, 5):  # three residual units, dilated 1, 3 and 9
            unit = f"{blocks}.{i}.block.{j}"
            shapes |= _snake(f"{unit}.act1", width) | _affine(f"{unit}.conv1.conv", (width, width, 7))
            shapes |= _snake(f"{unit}.act2", width) | _affine(f"{unit}.conv2.conv", (width, width, 1))
    last = len(config.upsample_rates) + 1
    return shapes | _snake(f"{blocks}.{last}", width) | _affine(f"{blocks}.{last + 1}.conv", (1, width, 7))


def _snake(name: str, width: int) -> Shapes:
    return {f"{name}.alpha": (width,), f"{name}.beta": (width,)}


def _decoder_quantizer(name: str, config: CodecDecoderConfig, books: int) -> Shapes:
    outer, inner = config.codebook_dim, config.codebook_dim // 2
    shapes: Shapes = {f"{name}.input_proj.weight": (inner, outer, 1), f"{name}.output_proj.weight": (outer, inner, 1)}
    for i in range(books):
        book = f"{name}.vq.layers.{i}._codebook"
        shapes |= {f"{book}.cluster_usage": (config.codebook_size,), f"{book}.embedding_sum": (config.codebook_size, inner)}
    return shapes


def _decoder_transformer(name: str, config: CodecDecoderConfig) -> Shapes:
    width, inner = config.hidden_size, config.intermediate_size
    query, key_value = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
    shapes = {
        **_affine(f"{name}.input_proj", (width, config.latent_dim)),
        **_affine(f"{name}.output_proj", (config.latent_dim, width)),
        f"{name}.norm.weight": (width,),
    }
    for i in range(config.num_hidden_layers):
        layer = f"{name}.layers.{i}"
        shapes |= {
            **_attention(layer, width, query, key_value),
            f"{layer}.input_layernorm.weight": (width,),
            f"{layer}.post_attention_layernorm.weight": (width,),
            f"{layer}.mlp.gate_proj.weight": (inner, width),
            f"{layer}.mlp.up_proj.weight": (inner, width),
            f"{layer}.mlp.down_proj.weight": (width, inner),
        }
    return shapes


def _attention(layer: str, width: int, query: int, key_value: int) -> Shapes:
    """Attention of the codec's transformers, and the layer scales of its two branches."""
    return {
        f"{layer}.self_attn.q_proj.weight": (query, width),
        f"{layer}.self_attn.k_proj.weight": (key_value, width),
        f"{layer}.self_attn.v_proj.weight": (key_value, width),
        f"{layer}.self_attn.o_proj.weight": (width, query),
        f"{layer}.self_attn_layer_scale.scale": (width,),
        f"{layer}.mlp_layer_scale.scale": (width,),
    }


def _encoder(name: str, config: CodecEncoderConfig) -> Shapes:
    acoustic = config.num_quantizers - config.num_semantic_quantizers
    width = config.hidden_size
    return {
        **_seanet(f"{name}.encoder.layers", config),
        **_encoder_transformer(f"{name}.encoder_transformer", config),
        f"{name}.downsample.conv.weight": (width, width, config.downsample_kernel),
        **_encoder_quantizer(f"{name}.quantizer.semantic_residual_vector_quantizer", config, config.num_semantic_quantizers),
        **_encoder_quantizer(f"{name}.quantizer.acoustic_residual_vector_quantizer", config, acoustic),
    }


def _seanet(name: str, config: CodecEncoderConfig) -> Shapes:
    """SEANet; activations without weights take numbers in its list of layers, too."""
    width, index = config.num_filters, 1
    shapes = _affine(f"{name}.0.conv", (width, 1, config.kernel_size))
    for ratio in reversed(config.upsampling_ratios):
        inner = width // config.compress
        for _ in range(config.num_residual_layers):
            shapes |= _affine(f"{name}.{index}.block.1.conv", (inner, width, config.residual_kernel_size))
            shapes |= _affine(f"{name}.{index}.block.3.conv", (width, inner, 1))
            index += 1
        shapes |= _affine(f"{name}.{index + 1}.conv", (2 * width, width, 2 * ratio))
        width, index = 2 * width, index + 2
    return shapes | _affine(f"{name}.{index + 1}.conv", (config.hidden_size, width, config.last_kernel_size))


def _encoder_transformer(name: str, config: CodecEncoderConfig) -> Shapes:
    width, inner = config.hidden_size, config.intermediate_size
    query, key_value = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
    shapes: Shapes = {}
    for i in range(config.num_hidden_layers):
        layer = f"{name}.layers.{i}"
        shapes |= {
            **_attention(layer, width, query, key_value),
            **_affine(f"{layer}.input_layernorm", (width,)),
            **_affine(f"{layer}.post_attention_layernorm", (width,)),
            f"{layer}.mlp.fc1.weight": (inner, width),
            f"{layer}.mlp.fc2.weight": (width, inner),
        }
    return shapes


def _encoder_quantizer(name: str, config: CodecEncoderConfig, books: int) -> Shapes:
    outer, inner = config.hidden_size, config.vector_quantization_hidden_dimension
    shapes: Shapes = {}
    if inner != outer:
        shapes |= {f"{name}.input_proj.weight": (inner, outer, 1), f"{name}.output_proj.weight": (outer, inner, 1)}
    for i in range(books):
        book = f"{name}.layers.{i}.codebook"
        shapes |= {
            f"{book}.cluster_usage": (config.codebook_size,),
            f"{book}.embed_sum": (config.codebook_size, config.codebook_dim),
            f"{book}.initialized": (1,),
        }
    return shapes
