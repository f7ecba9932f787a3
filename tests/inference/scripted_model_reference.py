"""scripted_model_reference.py FOLDER DOC: runs the examples of DOC in FOLDER, which holds source.spm, and lets a
plain beam search translate with what they saved.

FOLDER/NAME.pt is the model, FOLDER/NAME.expected.pt holds ids, lengths and, of beam searches with 1 and 4
hypotheses, found_N [sentences, length] padded with -1 and scores_N. Prints the names."""

import importlib
import os
import re
import sys

import torch


class Expected(torch.nn.Module):
    pass


def save_tensors(tensors, path):
    module = Expected()
    for name, tensor in tensors.items():
        module.register_buffer(name, tensor)
    torch.jit.script(module).save(path)


def beam_search(model, ids, begin, end, forbidden, size, longest):
    """The best hypothesis of one source [1, S], by log-probability per piece; goes on until `longest` pieces."""
    state = model.encode(ids, torch.ones_like(ids, dtype=torch.bool))
    live, ended = [([], 0.0)], []
    last = torch.tensor([begin])
    for length in range(longest + 1):
        log_probs, state = model.step(last, state)
        log_probs[:, forbidden] = -float("inf")
        totals = torch.tensor([total for _, total in live], dtype=torch.float64).unsqueeze(1) + log_probs.double()
        best = totals.flatten().topk(min(2 * size, totals.numel()))
        continued = []
        for rank, (total, place) in enumerate(zip(best.values.tolist(), best.indices.tolist())):
            row, piece = divmod(place, totals.size(1))
            if piece == end:
                if rank < size:
                    ended.append((live[row][0] + [end], total / (length + 1)))
            elif len(continued) < size and total > -float("inf"):
                continued.append((row, piece, total))
        if length == longest:
            break
        rows = torch.tensor([row for row, _, _ in continued])
        live = [(live[row][0] + [piece], total) for row, piece, total in continued]
        state = [part.index_select(0, rows) for part in state]
        last = torch.tensor([piece for _, piece, _ in continued])
    if ended:
        return max(ended, key=lambda hypothesis: hypothesis[1])
    words, total = live[0]
    return words, total / len(words)


@torch.no_grad()
def compare_with_original(example):
    """Traced with some sizes, right for others?"""
    count = len(example.ids)
    for batch, time, length in [(1, 2, 1), (3, 11, 2), (2, 5, 9)]:
        ids = torch.randint(4, count, [batch, time])
        mask = torch.arange(time).unsqueeze(0) < torch.randint(1, time + 1, [batch, 1])
        said = torch.randint(4, count, [batch, length])
        state = example.scripted.encode(ids, mask)
        for place in range(length):
            found, state = example.scripted.step(said[:, place], state)
        logits = example.model(input_ids=torch.tensor(example.ids)[ids], attention_mask=mask.long(),
                               decoder_input_ids=torch.tensor(example.starting)[said]).logits[:, -1]
        expected = torch.log_softmax(logits[:, example.starting], -1)
        assert (found - expected).abs().max() < 1e-5, (batch, time, length)


def main(folder, doc):
    import sentencepiece

    os.chdir(folder)
    torch.manual_seed(5)
    torch.set_num_threads(1)
    blocks = re.findall(r"```python\n(.*?)```", open(doc).read(), re.DOTALL)
    assert len(blocks) >= 2, doc
    names = []
    sys.path.insert(0, ".")
    for number, block in enumerate(blocks):
        if "import transformers" in block:
            try:
                import transformers  # noqa: F401
            except ImportError:
                print("no package transformers: its example is left out", file=sys.stderr)
                continue
        with open(f"example_{number}.py", "w") as file:  # TorchScript wants to read its source
            file.write(block)
        example = importlib.import_module(f"example_{number}")
        if hasattr(example, "starting"):
            compare_with_original(example)
        names += re.findall(r'\.save\("(\w+)\.pt"', block)
    pieces = sentencepiece.SentencePieceProcessor(model_file="source.spm")
    end, begin = pieces.eos_id(), pieces.bos_id()
    forbidden = [id for id in (pieces.pad_id(), begin) if id >= 0]
    for name in names:
        model = torch.jit.load(f"{name}.pt")
        with torch.no_grad():  # far from the initial weights, so that outputs end and differ
            for parameter in model.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(2.5)
        files = {"source.spm": "", "config.json": ""}
        torch.jit.load(f"{name}.pt", _extra_files=files)
        model.save(f"{name}.pt", _extra_files=files)
        sources = [pieces.encode(line) + [end] for line in open("lines").read().splitlines()]
        longest = max(map(len, sources))
        tensors = {"ids": torch.tensor([ids + [pieces.pad_id()] * (longest - len(ids)) for ids in sources]),
                   "lengths": torch.tensor([len(ids) for ids in sources])}
        for size in (1, 4):
            with torch.no_grad():
                found = [beam_search(model, torch.tensor([ids]), begin, end, forbidden, size, 12) for ids in sources]
            tensors[f"found_{size}"] = torch.tensor([words + [-1] * (14 - len(words)) for words, _ in found])
            tensors[f"scores_{size}"] = torch.tensor([score for _, score in found])
        save_tensors(tensors, f"{name}.expected.pt")
    print("\n".join(names))


main(*sys.argv[1:])
