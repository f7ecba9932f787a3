#!/usr/bin/env python3
"""Tiny random models of Hugging Face's transformers, and what its `generate` makes of random inputs.

    import_reference.py FOLDER FAMILY[:safetensors|:bin|:shards|:json]...

FOLDER/FAMILY gets what save_pretrained writes, tokeniser files as the family has them, and expected.json:
  source, target  token ids: inputs, and what the decoder is given
  logits          of each position of each target
  greedy, beam    what generate says with one beam and with four, without the piece that decoding starts from
  texts, text_ids texts and the ids that transformers reads them as
With :json, FOLDER/FAMILY_json gets the tokeniser as transformers 5 saves it, tokenizer.json without a SentencePiece file.
Exit status 77: transformers is not installed.
"""
import json
import pathlib
import random
import sys

try:
    import sentencepiece
    import torch
    import transformers
except ImportError as error:
    print(error)
    sys.exit(77)

INPUTS = 50
TRIED = 140  # of which some are cut at the length limit
SOURCE_LINES = ["two dogs play in the snow", "a man in a red shirt walks", "the small child eats an apple",
                "three women sit at a table", "a girl jumps over the old wall", "dogs run through green grass",
                "an old man reads the newspaper", "the boy throws a ball to the dog",
                "people wait for the next train", "a cat sleeps on the warm roof"]
TARGET_LINES = ["zwei Hunde spielen im Schnee", "ein Mann in einem roten Hemd geht", "das kleine Kind isst einen Apfel",
                "drei Frauen sitzen an einem Tisch", "ein Mädchen springt über die alte Mauer",
                "Hunde laufen durch grünes Gras", "ein alter Mann liest die Zeitung",
                "der Junge wirft dem Hund einen Ball zu", "Leute warten auf den nächsten Zug",
                "eine Katze schläft auf dem warmen Dach"]
TEXTS = SOURCE_LINES + ["Dogs  and cats!", "wall apple wall", "a", "the 3 trains, the roof", "ﬁne ½ Ünï"]


def train(path, lines, **options):
    import io
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, vocab_size=64,
                                             hard_vocab_limit=False, minloglevel=2, **options)
    pathlib.Path(path).write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def pieces_of(processor):
    return [processor.id_to_piece(number) for number in range(processor.get_piece_size())]


def write_json(path, content):
    pathlib.Path(path).write_text(json.dumps(content))


SIZES = dict(d_model=24, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3, decoder_attention_heads=4,
             encoder_ffn_dim=32, decoder_ffn_dim=40, max_position_embeddings=128, dropout=0.0, attention_dropout=0.0,
             forced_eos_token_id=None)


def marian(folder, **sizes):
    source = train(f"{folder}/source.spm", SOURCE_LINES)
    target = train(f"{folder}/target.spm", TARGET_LINES)
    words = ["</s>", "<unk>"]
    words += sorted(set(pieces_of(source)[3:] + pieces_of(target)[3:]))
    words += [">>fra<<", "<pad>"]
    write_json(f"{folder}/vocab.json", {word: number for number, word in enumerate(words)})
    write_json(f"{folder}/tokenizer_config.json", {"tokenizer_class": "MarianTokenizer"})
    pad = len(words) - 1
    config = transformers.MarianConfig(vocab_size=len(words), pad_token_id=pad, decoder_start_token_id=pad, eos_token_id=0,
                                       bos_token_id=0, scale_embedding=True, activation_function="swish",
                                       bad_words_ids=[[pad]], **{**SIZES, **sizes})
    tokenizer = transformers.MarianTokenizer(f"{folder}/source.spm", f"{folder}/target.spm", f"{folder}/vocab.json")
    texts = TEXTS + [">>fra<< the old dog"]
    return (transformers.MarianMTModel(config), texts, [tokenizer(text)["input_ids"] for text in texts],
            lambda ids: ids + [0], {}, 2, pad)


def marian_npz(folder):
    return marian(folder, encoder_attention_heads=4, decoder_ffn_dim=32)


def exclude_padding(model):
    """Marian has no such word: decoding starts from zeros."""
    with torch.no_grad():
        model.model.shared.weight[-1] = 0.0
        model.final_logits_bias[0, -1] = -1e4


def write_marian(folder, model):
    """What Marian itself would have written; names as transformers' converter reads them."""
    import numpy
    arrays = {"Wemb": model.model.shared.weight[:-1], "decoder_ff_logit_out_b": model.final_logits_bias[:, :-1]}
    attention = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj"}
    for side in ("encoder", "decoder"):
        for number, layer in enumerate(getattr(model.model, side).layers):
            prefix = f"{side}_l{number + 1}_"
            blocks = [("self", layer.self_attn, layer.self_attn_layer_norm)]
            if side == "decoder":
                blocks.append(("context", layer.encoder_attn, layer.encoder_attn_layer_norm))
            for block, module, norm in blocks:
                for letter, name in attention.items():
                    arrays[f"{prefix}{block}_W{letter}"] = getattr(module, name).weight.T
                    arrays[f"{prefix}{block}_b{letter}"] = getattr(module, name).bias[None]
                arrays[f"{prefix}{block}_Wo_ln_scale"] = norm.weight[None]
                arrays[f"{prefix}{block}_Wo_ln_bias"] = norm.bias[None]
            for number_of_map, module in ((1, layer.fc1), (2, layer.fc2)):
                arrays[f"{prefix}ffn_W{number_of_map}"] = module.weight.T
                arrays[f"{prefix}ffn_b{number_of_map}"] = module.bias[None]
            arrays[f"{prefix}ffn_ffn_ln_scale"] = layer.final_layer_norm.weight[None]
            arrays[f"{prefix}ffn_ffn_ln_bias"] = layer.final_layer_norm.bias[None]
    config = model.config
    settings = f"""dec-depth: {config.decoder_layers}
dim-emb: {config.d_model}
dim-vocabs:
  - {config.vocab_size - 1}
  - {config.vocab_size - 1}
enc-depth: {config.encoder_layers}
right-left: false
tied-embeddings-all: true
tied-embeddings: false
tied-embeddings-src: false
transformer-dim-ffn: {config.encoder_ffn_dim}
transformer-ffn-activation: swish
transformer-heads: {config.encoder_attention_heads}
transformer-postprocess: dan
transformer-postprocess-emb: d
transformer-preprocess: ""
transformer-tied-layers:
  []
type: transformer
version: v1.7.6
"""
    numbers = numpy.frombuffer(settings.encode() + b"\0", dtype=numpy.int8)
    numpy.savez(f"{folder}/model.npz", **{name: numpy.ascontiguousarray(tensor.detach().numpy())
                                          for name, tensor in arrays.items()}, **{"special:model.yml": numbers})
    pathlib.Path(folder, "decoder.yml").write_text("relative-paths: true\nbeam-size: 4\nnormalize: 1\nallow-unk: true\n")
    words = json.loads(pathlib.Path(folder, "vocab.json").read_text())
    del words["<pad>"]
    plain = [word if word.replace("▁", "").isalnum() else json.dumps(word, ensure_ascii=False) for word in words]
    plain[5] = "'" + json.loads(json.dumps(list(words)[5])).replace("'", "''") + "'"
    pathlib.Path(folder, "opus.spm32k-spm32k.vocab.yml").write_text(
        "".join(f"{word}: {number}\n" for number, word in enumerate(plain)))
    for name in ("vocab.json", "tokenizer_config.json"):
        pathlib.Path(folder, name).unlink()


def t5_like(folder, **options):
    processor = train(f"{folder}/spiece.model", SOURCE_LINES + TARGET_LINES, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    size = processor.get_piece_size()
    write_json(f"{folder}/tokenizer_config.json", {"extra_ids": 10})
    config = transformers.T5Config(vocab_size=size + 16, d_model=24, d_kv=5, d_ff=40, num_layers=2, num_decoder_layers=2,
                                   num_heads=4, dropout_rate=0.0, relative_attention_num_buckets=8,
                                   relative_attention_max_distance=12, decoder_start_token_id=0, **options)
    return (transformers.T5ForConditionalGeneration(config), TEXTS, [processor.encode(text) + [1] for text in TEXTS],
            lambda ids: ids + [1], {"suppress_tokens": [0]}, 3, size)


def t5(folder):
    return t5_like(folder, feed_forward_proj="relu")


def t5_1_1(folder):
    return t5_like(folder, feed_forward_proj="gated-gelu", tie_word_embeddings=False)


def pegasus(folder):
    processor = train(f"{folder}/spiece.model", SOURCE_LINES + TARGET_LINES, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    size = processor.get_piece_size() + 7
    write_json(f"{folder}/tokenizer_config.json", {"tokenizer_class": "PegasusTokenizer", "offset": 7})
    config = transformers.PegasusConfig(vocab_size=size, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
                                        scale_embedding=True, activation_function="relu", length_penalty=0.8, **SIZES)
    ids = [[number + 7 for number in processor.encode(text)] + [1] for text in TEXTS]
    return (transformers.PegasusForConditionalGeneration(config), TEXTS, ids, lambda ids: ids + [1],
            {"suppress_tokens": [0], "length_penalty": 0.8}, 9, size)


LANGUAGES = ["en_XX", "de_DE", "fr_XX"]


def fairseq(folder, kind, tags, prefix, **options):
    """Numbers of fairseq: <s> <pad> </s> <unk>, the pieces, tags, <mask>."""
    processor = train(f"{folder}/sentencepiece.bpe.model", SOURCE_LINES + TARGET_LINES, **options)
    size = processor.get_piece_size() + 1
    added = {str(size + number): {"content": tag} for number, tag in enumerate(tags + ["<mask>"])}
    write_json(f"{folder}/tokenizer_config.json", {"tokenizer_class": kind, "added_tokens_decoder": added,
                                                   "src_lang": tags[0] if tags else None})
    first = [size] if tags else prefix
    ids = [first + [number + 1 if number else 3 for number in processor.encode(text)] + [2] for text in TEXTS]
    return size, size + len(added), first, ids


def bart(folder):
    size, words, first, ids = fairseq(folder, "BartTokenizer", [], [0])
    config = transformers.BartConfig(vocab_size=words, scale_embedding=False, forced_bos_token_id=0, **SIZES)
    return (transformers.BartForConditionalGeneration(config), TEXTS, ids, lambda ids: first + ids + [2],
            {"suppress_tokens": [1], "forced_bos_token_id": 0}, 4, size)


def mbart50(folder):
    size, words, first, ids = fairseq(folder, "MBart50Tokenizer", LANGUAGES, [])
    config = transformers.MBartConfig(vocab_size=words, scale_embedding=True, decoder_start_token_id=2, **SIZES)
    return (transformers.MBartForConditionalGeneration(config), TEXTS, ids, lambda ids: first + ids + [2],
            {"suppress_tokens": [1], "forced_bos_token_id": size + 1}, 4, size)


def nllb(folder):
    size, words, first, ids = fairseq(folder, "NllbTokenizer", LANGUAGES, [], model_type="bpe")
    config = transformers.M2M100Config(vocab_size=words, scale_embedding=True, decoder_start_token_id=2, **SIZES)
    return (transformers.M2M100ForConditionalGeneration(config), TEXTS, ids, lambda ids: first + ids + [2],
            {"suppress_tokens": [1], "forced_bos_token_id": size + 1}, 4, size)


def m2m_100(folder):
    processor = train(f"{folder}/sentencepiece.bpe.model", SOURCE_LINES + TARGET_LINES)
    words = ["<s>", "<pad>", "</s>", "<unk>"] + sorted(pieces_of(processor)[3:], reverse=True)
    write_json(f"{folder}/vocab.json", {word: number for number, word in enumerate(words)})
    size = len(words)
    tags = {str(size + number): {"content": tag} for number, tag in enumerate(["__en__", "__de__"])}
    write_json(f"{folder}/tokenizer_config.json", {"tokenizer_class": "M2M100Tokenizer", "added_tokens_decoder": tags})
    numbers = {word: number for number, word in enumerate(words)}
    ids = [[size] + [numbers.get(piece, 3) for piece in processor.encode(text, out_type=str)] + [2] for text in TEXTS]
    config = transformers.M2M100Config(vocab_size=size + 10, scale_embedding=True, decoder_start_token_id=2, **SIZES)
    return (transformers.M2M100ForConditionalGeneration(config), TEXTS, ids, lambda ids: [size] + ids + [2],
            {"suppress_tokens": [1], "forced_bos_token_id": size + 1}, 4, size)


def fairseq_words(folder):
    """fairseq's own network, as transformers has it: sinusoids, three vocabulary matrices, words in two dictionaries."""
    source = ["<s>", "<pad>", "</s>", "<unk>"] + sorted({word for line in SOURCE_LINES for word in line.split()})
    target = ["<s>", "<pad>", "</s>", "<unk>"] + [f"{word}@@" for line in TARGET_LINES for word in line.split()[-1:]]
    target += sorted({word for line in TARGET_LINES for word in line.split()}) + ["madeupword0000"]
    write_dictionaries(folder, source, target)
    config = transformers.FSMTConfig(langs=["en", "de"], src_vocab_size=len(source), tgt_vocab_size=len(target),
                                     activation_function="relu", **{**SIZES, "encoder_attention_heads": 4})
    model = transformers.FSMTForConditionalGeneration(config)
    model.get_output_embeddings = lambda: model.model.decoder.output_projection
    for side in (model.model.encoder, model.model.decoder):
        side.embed_positions.weight.requires_grad = False
    texts = SOURCE_LINES + ["a Dog  sleeps !", "wall apple wall", " a"]
    ids = [[source.index(word) if word in source else 3 for word in text.split()] + [2] for text in texts]
    return (model, texts, ids, lambda ids: ids + [2], {"suppress_tokens": [1], "early_stopping": True, "min_new_tokens": 1}, 4,
            min(len(source), len(target)))


def fairseq_pieces(folder):
    """mBART's network is fairseq's with --encoder-normalize-before, --encoder-learned-pos, --layernorm-embedding."""
    processor = train(f"{folder}/joint.model", SOURCE_LINES + TARGET_LINES)
    words = ["<s>", "<pad>", "</s>", "<unk>"] + sorted(pieces_of(processor)[3:], reverse=True)
    write_dictionaries(folder, words, words)
    numbers = {word: number for number, word in enumerate(words)}
    ids = [[numbers[piece] if piece in numbers else 3 for piece in processor.encode(text, out_type=str)] + [2]
           for text in TEXTS]
    config = transformers.MBartConfig(vocab_size=len(words), scale_embedding=True, decoder_start_token_id=2,
                                      activation_function="gelu", **SIZES)
    return (transformers.MBartForConditionalGeneration(config), TEXTS, ids, lambda ids: ids + [2],
            {"suppress_tokens": [1], "early_stopping": True, "min_new_tokens": 1}, 4, len(words))


def write_dictionaries(folder, source, target):
    for language, words in (("en", source), ("de", target)):
        lines = [f"{word} {len(words) - number}\n" for number, word in enumerate(words)][4:]
        pathlib.Path(folder, f"dict.{language}.txt").write_text("".join(lines))


def fairseq_state(family, model):
    """Names as fairseq has them; those of `pieces` as in its old checkpoints, queries, keys and values in one matrix."""
    left_out = ("shared.weight", "final_logits_bias", "lm_head.weight")
    state = {name.removeprefix("model."): tensor.clone() for name, tensor in model.state_dict().items()}
    state = {name: tensor for name, tensor in state.items() if name not in left_out}
    for side in ("encoder", "decoder"):
        state[f"{side}.version"] = torch.Tensor([3])
        if family == "fairseq_words":
            del state[f"{side}.embed_positions.weight"]
            state[f"{side}.embed_positions._float_tensor"] = torch.zeros(1)
    if family == "fairseq_pieces":
        for name in [name for name in state if ".q_proj." in name]:
            parts = [state.pop(name.replace("q_proj", part)) for part in ("q_proj", "k_proj", "v_proj")]
            state[name.replace("q_proj.", "in_proj_")] = torch.cat(parts)
    return state


def write_fairseq(folder, family, model, state):
    """As fairseq's trainer writes checkpoints: 0.9 with args, 0.12 with cfg."""
    import argparse
    config = model.config
    options = dict(encoder_learned_pos=False, decoder_learned_pos=False, encoder_normalize_before=False,
                   decoder_normalize_before=False, layernorm_embedding=False, activation_fn=config.activation_function,
                   share_all_embeddings=False, share_decoder_input_output_embed=False, adaptive_softmax_cutoff=None,
                   no_scale_embedding=False, max_source_positions=128, max_target_positions=128, dropout=0.1,
                   attention_dropout=0.0, activation_dropout=0, encoder_layerdrop=0, quant_noise_pq=0,
                   decoder_output_dim=config.d_model, decoder_input_dim=config.d_model, no_cross_attention=False,
                   cross_self_attention=False, adaptive_input=False, encoder_layers_to_keep=None, lr=[0.0005],
                   adam_betas="(0.9, 0.98)", ddp_backend="c10d")
    for side in ("encoder", "decoder"):
        options |= {f"{side}_embed_dim": config.d_model, f"{side}_layers": getattr(config, f"{side}_layers"),
                    f"{side}_ffn_embed_dim": getattr(config, f"{side}_ffn_dim"),
                    f"{side}_attention_heads": getattr(config, f"{side}_attention_heads")}
    languages = dict(source_lang="en", target_lang="de")
    checkpoint = {"model": state, "optimizer_history": [{"num_updates": 7, "lr_scheduler_state": {"best": None}}],
                  "extra_state": {"train_iterator": {"epoch": 2}, "val_loss": 3.25},
                  "last_optimizer_state": {"state": {0: {"step": 7, "exp_avg": torch.zeros(3)}}}}
    if family == "fairseq_words":
        checkpoint["args"] = argparse.Namespace(arch="transformer_iwslt_de_en", task="translation", **languages, **options)
    else:
        options |= dict(encoder_learned_pos=True, decoder_learned_pos=True, encoder_normalize_before=True,
                        decoder_normalize_before=True, layernorm_embedding=True, share_all_embeddings=True)
        checkpoint |= {"args": None, "cfg": {"_name": None, "task": {"_name": "translation", **languages},
                                             "model": argparse.Namespace(_name="transformer", **options)}}
    torch.save(checkpoint, f"{folder}/checkpoint_best.pt")


def randomize(model):
    """Numbers far enough from the initial ones that every one of them matters."""
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "embed_positions" in name and not tensor.requires_grad:
                continue  # sinusoids
            if tensor.dim() > 1:
                is_lookup = "shared" in name or "embed_" in name or "relative" in name
                tensor.normal_(0.0, 0.3 if is_lookup else 1.5 / tensor.size(-1) ** 0.5)
            else:
                tensor.add_(torch.randn_like(tensor) * 0.2)
        if hasattr(model, "final_logits_bias"):
            model.final_logits_bias.normal_(0.0, 0.5)


def let_outputs_end(model, sources, options):
    """Fits the row of </s> so that its logit grows along the outputs and wins somewhere behind their first words."""
    end = model.config.eos_token_id
    length = 24
    with torch.no_grad():
        targets = model.generate(sources, min_length=length, max_length=length, do_sample=False, num_beams=1, **options)
        out = model(input_ids=sources, decoder_input_ids=targets, output_hidden_states=True,
                    use_cache=False)  # with one FSMT looks ahead
        logits = out.logits.clone()
        logits[:, :, end] = -1e9
        places = torch.arange(targets.size(1)).expand(len(sources), -1)
        wanted = logits.max(-1).values + (places - 12.0) * 0.5
        hidden = out.decoder_hidden_states[-1].flatten(0, 1)
        if getattr(model.config, "scale_decoder_outputs", False):
            hidden = hidden * model.config.d_model ** -0.5
        if hasattr(model, "final_logits_bias"):
            model.final_logits_bias[0, end] = 0.0
        squares = hidden.T @ hidden + 0.01 * torch.eye(hidden.size(1))
        model.get_output_embeddings().weight[end] = torch.linalg.solve(squares, hidden.T @ wanted.flatten())


def padded(rows, pad):
    width = max(map(len, rows))
    return torch.tensor([row + [pad] * (width - len(row)) for row in rows])


def said(model, sources, beams, end, options):
    """Up to the end that it says; one that is cut at the length limit lacks it."""
    ids = padded(sources, model.config.pad_token_id)
    real = torch.tensor([[1] * len(row) + [0] * (ids.size(1) - len(row)) for row in sources])
    out = model.generate(ids, attention_mask=real, num_beams=beams, max_length=40, do_sample=False,
                         **{"early_stopping": False, **options})[:, 1:].tolist()
    first = 1 if "forced_bos_token_id" in options else 0
    return [row[:row.index(end, first) + 1] if end in row[first:] else row for row in out]


def with_tokenizer_json(folder, texts):
    """Puts transformers' own conversion in the place of the SentencePiece file; the ids that it reads texts as."""
    settings = json.loads(pathlib.Path(folder, "tokenizer_config.json").read_text())
    kind = settings.get("tokenizer_class", "T5Tokenizer")
    tags = [entry["content"] for entry in settings.pop("added_tokens_decoder", {}).values() if entry["content"] != "<mask>"]
    if tags:
        settings |= {"extra_special_tokens": tags, "src_lang": tags[0]}
    write_json(f"{folder}/tokenizer_config.json", settings)
    tokenizer = getattr(transformers, kind).from_pretrained(folder)
    for file in ("spiece.model", "sentencepiece.bpe.model", "tokenizer_config.json"):
        pathlib.Path(folder, file).unlink(missing_ok=True)
    tokenizer.save_pretrained(folder)
    return [tokenizer(text)["input_ids"] for text in texts]


def write_reference(folder, model, sources, targets):
    """Activations of a batch, under our names, of a network that normalises after each layer."""
    from safetensors.torch import save_file
    ids = padded(sources, model.config.pad_token_id)
    lengths = torch.tensor([len(row) for row in sources])
    real = (torch.arange(ids.size(1)) < lengths[:, None]).long()
    start = model.config.decoder_start_token_id
    given = padded([[start] + row for row in targets], 4)
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=real, decoder_input_ids=given, output_hidden_states=True)
    tensors = {"source": ids, "source_lengths": lengths, "target": given, "logits": out.logits}
    for side, states in (("encoder", out.encoder_hidden_states), ("decoder", out.decoder_hidden_states)):
        tensors["source_embedding" if side == "encoder" else "target_embedding"] = states[0]
        for number, state in enumerate(states[1:]):
            tensors[f"{side}.layers.{number}"] = state
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, f"{folder}/reference.safetensors")


def make(folder, family, form):
    # Of other seeds few outputs end, or most at once.
    torch.manual_seed({"marian_npz": 2, "fairseq_pieces": 5}.get(family, 1))
    draw = random.Random(2)
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    model, texts, text_ids, framed, options, low, high = globals()[family](folder)
    model.eval()
    randomize(model)
    if family == "marian_npz":
        exclude_padding(model)
    if family == "fairseq_pieces":
        model.final_logits_bias.zero_()  # fairseq has none
    for name in ("length_penalty", "forced_bos_token_id"):
        if name in options:
            setattr(model.generation_config, name, options[name])
    model.generation_config.num_beams = 4
    end = model.config.eos_token_id
    sources = [framed([draw.randrange(low, high) for _ in range(draw.randrange(1, 15))]) for _ in range(TRIED)]
    let_outputs_end(model, torch.tensor([framed([draw.randrange(low, high) for _ in range(8)]) for _ in range(60)]),
                    options)
    greedy, beam = said(model, sources, 1, end, options), said(model, sources, 4, end, options)
    ended = [number for number in range(TRIED) if greedy[number][-1] == end and beam[number][-1] == end][:INPUTS]
    targets = [[draw.randrange(low, high) for _ in range(draw.randrange(1, 9))] for _ in ended]
    start = model.generation_config.decoder_start_token_id
    ids = padded([sources[number] for number in ended], model.config.pad_token_id)
    real = torch.tensor([[1] * len(sources[number]) + [0] * (ids.size(1) - len(sources[number])) for number in ended])
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=real,
                       decoder_input_ids=padded([[start] + row for row in targets], low), use_cache=False).logits
    expected = {"source": [sources[number] for number in ended], "target": targets,
                "logits": [rows[:len(row) + 1].tolist() for rows, row in zip(logits, targets)],
                "greedy": [greedy[number] for number in ended], "beam": [beam[number] for number in ended],
                "texts": texts, "text_ids": text_ids}
    if family == "marian":
        write_reference(folder, model, expected["source"][:6], targets[:6])
    if family == "marian_npz":
        write_marian(folder, model)
    elif family.startswith("fairseq_"):
        write_fairseq(folder, family, model, fairseq_state(family, model))
    elif form == "safetensors":
        model.save_pretrained(folder)
    elif form == "json":
        model.save_pretrained(folder)
        expected["text_ids"] = with_tokenizer_json(folder, texts)
    elif form == "shards":
        model.save_pretrained(folder, max_shard_size="20KB")
    else:
        model.save_pretrained(folder)
        pathlib.Path(folder, "model.safetensors").unlink()
        torch.save(model.state_dict(), f"{folder}/pytorch_model.bin")
    state = fairseq_state(family, model) if family.startswith("fairseq_") else model.state_dict()
    torch.save({name: tensor.clone() for name, tensor in state.items()}, f"{folder}/state.pt")
    write_json(f"{folder}/expected.json", expected)


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    for request in sys.argv[2:]:
        family, _, form = request.partition(":")
        make(f"{sys.argv[1]}/{family}{'_json' if form == 'json' else ''}", family, form or "safetensors")


if __name__ == "__main__":
    main()
