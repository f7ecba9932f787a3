#!/usr/bin/env python3
"""The LSTM encoder-decoder in float64 from basic tensor operations, word by word, for comparison.

    lstm_reference.py CASES RESULTS

Files as those of transformer_reference.py. No batch is padded here: every sentence is computed alone.
"""
import torch

import transformer_reference


class Model(transformer_reference.Model):
    def lstm(self, name, xs, hidden):
        """xs: vectors of successive words; begins with `hidden` and an empty cell."""
        cell, outputs = torch.zeros_like(hidden), []
        for x in xs:
            gates = (self.w[name + ".input_gates"] @ x + self.w[name + ".recurrent_gates"] @ hidden
                     + self.w[name + ".gates_bias"])
            into, forget, new, out = gates.chunk(4)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(new)
            hidden = torch.sigmoid(out) * torch.tanh(cell)
            outputs.append(hidden)
        return outputs

    def encode(self, source, real):
        memory = torch.zeros(*source.shape, self.source_matrix.size(1), dtype=torch.float64)
        for row, length in enumerate(real.sum(1).tolist()):
            xs = list(self.embed("source", self.source_matrix, source[row:row + 1, :length])[0])
            for layer in range(self.config["encoder_layers"]):
                name, start = f"encoder.layers.{layer}", torch.zeros(len(xs[0]) // 2, dtype=torch.float64)
                onward = self.lstm(name + ".rightward", xs, start)
                back = self.lstm(name + ".leftward", xs[::-1], start)[::-1]
                read = [torch.cat(pair) for pair in zip(onward, back)]
                xs = read if layer == 0 else [x + y for x, y in zip(xs, read)]
            memory[row, :length] = torch.stack(xs)
        return memory

    def decode(self, tokens, memory, real):
        rows = []
        for row, length in enumerate(real.sum(1).tolist()):
            own = memory[row:row + 1, :length]
            allowed = torch.ones(1, tokens.size(1), length, dtype=torch.bool)
            xs = list(self.embed("target", self.target_matrix, tokens[row:row + 1])[0])
            for layer in range(self.config["decoder_layers"]):
                start = torch.tanh(self.linear(f"decoder.initial.{layer}", own[0].mean(0)))
                inputs = xs if layer == 0 else [torch.cat([x, c]) for x, c in zip(xs, context)]
                said = self.lstm(f"decoder.layers.{layer}", inputs, start)
                xs = said if layer == 0 else [x + y for x, y in zip(xs, said)]
                if layer == 0:
                    context = self.cross_attention("decoder.attention", torch.stack(xs)[None], own,
                                                   self.config["decoder_heads"], allowed)[0]
            both = torch.cat([context, torch.stack(xs)], -1)
            rows.append(torch.tanh(self.linear("decoder.combine", both)))
        return torch.stack(rows)


if __name__ == "__main__":
    transformer_reference.main(Model)
