#!/usr/bin/env python3
"""The pointer-generator of See et al. 2017 over the Transformer of transformer_reference.py, in float64 and dense:
every word's probability of every position is computed, one position at a time.

    copy_head_reference.py CASES RESULTS
"""
import math
import sys

import torch

from transformer_reference import Model


class CopyModel(Model):
    def __init__(self, config, weights):
        super().__init__(config, weights)
        self.last_scores = {}

    def cross_attention(self, name, x, memory, heads, allowed):
        keys = self.linear(name + ".key_value", memory).chunk(2, -1)[0]
        queries = self.linear(name + ".query", x)
        self.last_scores[name] = (queries, keys)
        return super().cross_attention(name, x, memory, heads, allowed)

    def pointer_parts(self, hidden, memory):
        """queries [B, T, P] and keys [B, S, P]"""
        copy = self.config["copy_head"]
        if copy["pointer"] == "dedicated":
            return self.linear("copy_head.query", hidden), self.linear("copy_head.key", memory)
        heads = self.config["decoder_heads"]
        layer = copy["layer"] if copy["layer"] > 0 else self.config["decoder_layers"]
        queries, keys = self.last_scores[f"decoder.layers.{layer - 1}.cross_attention"]
        width = queries.size(-1) // heads
        part = slice((copy["head"] - 1) * width, copy["head"] * width)
        return queries[..., part], keys[..., part]

    @staticmethod
    def followed(said, ids, t, position):
        """How many words, 3 at most, before `position` of the source are the last ones said at time t."""
        count = 0
        while count < 3 and t - count >= 0 and position - 1 - count >= 0 and \
                said[t - count].item() == ids[position - 1 - count].item():
            count += 1
        return count

    def mixture(self, hidden, memory, real, ids, extra, said):
        """-> probabilities [B, T, V + extra], weights [B, T, S], p_gen [B, T]"""
        queries, keys = self.pointer_parts(hidden, memory)
        words = self.log_probs(hidden).exp()
        batch, length, vocabulary = words.shape
        all_rows, all_weights, all_gates = [], [], []
        for b in range(batch):
            rows, weights, gates = [], [], []
            seen = torch.zeros(memory.size(1), dtype=torch.float64)
            for t in range(length):
                scores = (keys[b] @ queries[b, t]) / math.sqrt(keys.size(-1))
                scores = scores.masked_fill(~real[b], -math.inf)
                if self.config["copy_head"]["coverage"]:
                    first = torch.softmax(scores, 0)
                    scores = scores + self.w["copy_head.coverage"] * seen
                    seen = seen + first
                counts = [0] * memory.size(1)
                if self.config["copy_head"]["follow"]:
                    counts = [self.followed(said[b], ids[b], t, s) if real[b, s] else 0
                              for s in range(memory.size(1))]
                    scores = scores + torch.stack([self.w["copy_head.follow"][:count].sum() for count in counts])
                weight = torch.softmax(scores, 0)
                context = weight @ keys[b]
                gate = self.linear("copy_head.gate", torch.cat([hidden[b, t], context]))[0]
                if max(counts) > 0:
                    gate = gate + self.w["copy_head.follow_gate"][:max(counts)].sum()
                gate = torch.sigmoid(gate)
                row = torch.cat([gate * words[b, t], torch.zeros(extra, dtype=torch.float64)])
                for s in range(memory.size(1)):
                    if real[b, s]:
                        row = row.index_add(0, ids[b, s:s + 1], ((1 - gate) * weight[s]).reshape(1))
                rows.append(row)
                weights.append(weight)
                gates.append(gate)
            all_rows.append(torch.stack(rows))
            all_weights.append(torch.stack(weights))
            all_gates.append(torch.stack(gates))
        return torch.stack(all_rows), torch.stack(all_weights), torch.stack(all_gates)


def run(case):
    config = case["config"]
    weights = {name: value.double().requires_grad_() for name, value in case["weights"].items()}
    model = CopyModel(config, weights)
    real, ids, output = case["source_mask"], case["ids"], case["output"]
    memory = model.encode(case["source"], real)
    hidden = model.decode(case["input"], memory, real)
    probabilities, attention, gates = model.mixture(hidden, memory, real, ids, case["extra"], case["said"])
    words = model.log_probs(hidden)
    vocabulary, smoothing = words.size(-1), config["label_smoothing"]
    loss = nll = copied = 0.0
    for b in range(output.size(0)):
        seen = torch.zeros(ids.size(1), dtype=torch.float64)
        for t in range(output.size(1)):
            seen_before, seen = seen, seen + attention[b, t]
            target = output[b, t].item()
            if target < 0:
                continue
            mass = (1 - gates[b, t]) * attention[b, t][(ids[b] == target) & real[b]].sum()
            probability = probabilities[b, t, target]
            forced = config["force_copying"] and bool(((ids[b] == target) & real[b]).any())
            if forced:
                probability = mass
            smooth = smoothing if target < vocabulary and not forced else 0.0
            loss = loss - (1 - smooth) * probability.log() - smooth * words[b, t].mean()
            loss = loss + config["coverage_loss"] * torch.minimum(attention[b, t], seen_before).sum()
            nll = nll - probability.log()
            copied = copied + mass / probability
    loss.backward()
    return {"probabilities": probabilities.detach(), "loss": loss.detach(), "nll": nll.detach(),
            "copied": copied.detach(), "weights": attention.detach(), "gates": gates.detach(),
            "gradients": {name: value.grad for name, value in weights.items()}}


if __name__ == "__main__":
    torch.set_num_threads(1)
    cases = torch.load(sys.argv[1], weights_only=False)
    torch.save([run(case) for case in cases], sys.argv[2])
