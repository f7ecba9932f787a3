#!/usr/bin/env python3
"""The Transformer of Vaswani et al. 2017 in float64 from basic tensor operations, for comparison.

    transformer_reference.py CASES RESULTS

CASES and RESULTS are files of torch.save: a list of dictionaries. Each case holds a configuration, the
weights by name, and a batch; each result holds what the model makes of it, and the gradient of every weight.
"""
import math
import sys

import torch


def positions_table(first, length, dim, kind):
    table = torch.zeros(length, dim, dtype=torch.float64)
    pairs = (dim + 1) // 2
    for position in range(length):
        for column in range(dim):
            pair, is_sine = ((column // 2, column % 2 == 0) if kind == "sinusoidal"
                             else (column % pairs, column < pairs))
            exponent = pair / (pairs - 1) if kind == "sinusoidal_tensor2tensor" else 2 * pair / dim
            angle = (first + position) / 10000 ** exponent
            table[position, column] = math.sin(angle) if is_sine else math.cos(angle)
    return table


def bucket(distance, buckets, greatest, both):
    """The group of a key that stands `distance` behind the query (T5)."""
    if both:
        buckets //= 2
        first = buckets if distance > 0 else 0
        distance = abs(distance)
    else:
        first, distance = 0, max(-distance, 0)
    exact = buckets // 2
    if distance < exact:
        return first + distance
    share = math.log(distance / exact) / math.log(greatest / exact)
    return first + min(exact + int(share * (buckets - exact)), buckets - 1)


class Model:
    def __init__(self, config, weights):
        self.config, self.w = config, weights
        self.cross_weights = []  # of each decoder layer [B, T, S], the mean over its heads
        tied = config["tied_embeddings"]
        self.source_matrix = self.w["source_embedding.weight"]
        self.target_matrix = (self.source_matrix if tied in ("source_target", "all")
                              else self.w["target_embedding.weight"])
        self.output_matrix = {"none": lambda: self.w["output_head.weight"],
                              "source_target": lambda: self.w["output_head.weight"],
                              "source_output": lambda: self.source_matrix,
                              "target_output": lambda: self.target_matrix,
                              "all": lambda: self.source_matrix}[tied]()

    def linear(self, name, x):
        y = x @ self.w[name + ".weight"].T
        return y + self.w[name + ".bias"] if self.config["linear_bias"] else y

    def norm(self, name, x):
        if self.config["norm_type"] == "rms_norm":
            size = (x.pow(2).mean(-1, keepdim=True) + self.config["norm_epsilon"]).sqrt()
            return x / size * self.w[name + ".weight"]
        centred = x - x.mean(-1, keepdim=True)
        deviation = (centred.pow(2).mean(-1, keepdim=True) + self.config["norm_epsilon"]).sqrt()
        return centred / deviation * self.w[name + ".weight"] + self.w[name + ".bias"]

    def embed(self, side, matrix, ids):
        dim = matrix.size(1)
        x = matrix[ids]
        if self.config["scale_embeddings"]:
            x = x * math.sqrt(dim)
        kind, first = self.config["positions"], self.config["position_offset"]
        if kind.startswith("sinusoidal"):
            x = x + positions_table(first, ids.size(1), dim, kind)
        elif kind == "learned":
            x = x + self.w[side + "_embedding.positions.weight"][first:first + ids.size(1)]
        return self.norm(side + "_embedding.norm", x) if self.config["embedding_norm"] else x

    def relative(self, side, length):
        """What is added to the scores of self-attention: [T, T, H], or None."""
        if self.config["positions"] != "relative":
            return None
        weight = self.w[side + ".relative_positions.weight"]
        return torch.stack([torch.stack([weight[bucket(key - query, len(weight),
                                                       self.config["relative_distance"], side == "encoder")]
                                         for key in range(length)]) for query in range(length)])

    def attention(self, queries, keys, values, heads, allowed, bias=None):
        """queries [B, T, HK], keys and values [B, S, HK], allowed [B, T, S]; one head at a time."""
        width = queries.size(-1) // heads
        outputs, self.last_weights = [], 0
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            scores = torch.einsum("btk,bsk->bts", queries[..., part], keys[..., part])
            if self.config["scale_attention"]:
                scores = scores / math.sqrt(width)
            if bias is not None:
                scores = scores + bias[..., head]
            weights = scores.masked_fill(~allowed, -math.inf).exp()
            weights = weights / weights.sum(-1, keepdim=True)
            self.last_weights = self.last_weights + weights.detach() / heads
            outputs.append(torch.einsum("bts,bsk->btk", weights, values[..., part]))
        return torch.cat(outputs, -1)

    def self_attention(self, name, x, heads, allowed):
        queries, keys, values = self.linear(name + ".query_key_value", x).chunk(3, -1)
        bias = self.relative(name.split(".")[0], x.size(1))
        return self.linear(name + ".output", self.attention(queries, keys, values, heads, allowed, bias))

    def cross_attention(self, name, x, memory, heads, allowed):
        keys, values = self.linear(name + ".key_value", memory).chunk(2, -1)
        queries = self.linear(name + ".query", x)
        attended = self.attention(queries, keys, values, heads, allowed)
        self.cross_weights.append(self.last_weights)
        return self.linear(name + ".output", attended)

    def feed_forward(self, name, x):
        inner = self.linear(name + ".inner", x)
        x = self.linear(name + ".gate", x) if self.config["gated_feed_forward"] else inner
        kind = self.config["activation"]
        if kind == "relu":
            x = x * (x > 0)
        elif kind == "gelu":
            x = x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        elif kind == "gelu_new":
            x = x * 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
        else:
            x = x / (1 + torch.exp(-x))
        if self.config["gated_feed_forward"]:
            x = x * inner
        return self.linear(name + ".outer", x)

    def block(self, name, x, function):
        if self.config["norm"] == "pre":
            return x + function(self.norm(name + "_norm", x))
        return self.norm(name + "_norm", x + function(x))

    def encode(self, source, real):
        x = self.embed("source", self.source_matrix, source)
        allowed = real[:, None, :].expand(-1, source.size(1), -1)
        for layer in range(self.config["encoder_layers"]):
            name = f"encoder.layers.{layer}"
            x = self.block(name + ".self_attention", x, lambda y: self.self_attention(
                name + ".self_attention", y, self.config["encoder_heads"], allowed))
            x = self.block(name + ".feed_forward", x, lambda y: self.feed_forward(name + ".feed_forward", y))
        return self.norm("encoder.norm", x) if self.config["norm"] == "pre" else x

    def decode(self, tokens, memory, real):
        length, heads = tokens.size(1), self.config["decoder_heads"]
        x = self.embed("target", self.target_matrix, tokens)
        causal = (torch.arange(length)[:, None] >= torch.arange(length)[None, :]).expand(len(tokens), -1, -1)
        allowed = real[:, None, :].expand(-1, length, -1)
        for layer in range(self.config["decoder_layers"]):
            name = f"decoder.layers.{layer}"
            x = self.block(name + ".self_attention", x, lambda y: self.self_attention(
                name + ".self_attention", y, heads, causal))
            x = self.block(name + ".cross_attention", x, lambda y: self.cross_attention(
                name + ".cross_attention", y, memory, heads, allowed))
            x = self.block(name + ".feed_forward", x, lambda y: self.feed_forward(name + ".feed_forward", y))
        return self.norm("decoder.norm", x) if self.config["norm"] == "pre" else x

    def log_probs(self, hidden):
        logits = self.config["output_scale"] * hidden @ self.output_matrix.T
        if self.config["output_bias"]:
            logits = logits + self.w["output_head.bias"]
        return logits - logits.exp().sum(-1, keepdim=True).log()


def run(case, architecture):
    weights = {name: value.double().requires_grad_() for name, value in case["weights"].items()}
    model = architecture(case["config"], weights)
    real = case["source_mask"]
    memory = model.encode(case["source"], real)
    log_probs = model.log_probs(model.decode(case["input"], memory, real))
    kept = case["output"] >= 0
    rows, targets = log_probs[kept], case["output"][kept]
    nll = -rows[torch.arange(len(rows)), targets]
    smoothing = case["config"]["label_smoothing"]
    loss = ((1 - smoothing) * nll - smoothing * rows.mean(-1)).sum()
    loss.backward()
    return {"memory": memory.detach(), "log_probs": log_probs.detach(), "loss": loss.detach(),
            "nll": nll.sum().detach(), "cross_weights": model.cross_weights,
            "correct": (rows.argmax(-1) == targets).sum(),
            "gradients": {name: value.grad for name, value in weights.items()}}


def main(architecture):
    torch.set_num_threads(1)
    cases = torch.load(sys.argv[1], weights_only=False)
    torch.save([run(case, architecture) for case in cases], sys.argv[2])


if __name__ == "__main__":
    main(Model)
