"""One AdamW step of a small module in PyTorch: weights before and after, gradients, and the norms of each layer."""

import sys

import torch

LAYERS = {
    "encoder.layers.0": {"attention.weight": (6, 4), "attention.bias": (6,), "norm.weight": (4,)},
    "encoder.layers.1": {"attention.weight": (6, 4), "norm.weight": (4,)},
    "output_head": {"bias": (9,)},
}

torch.manual_seed(5)
parameters = {
    f"{layer}.{name}": torch.nn.Parameter(torch.randn(shape) * 0.1)
    for layer, shapes in LAYERS.items()
    for name, shape in shapes.items()
}
tensors = {f"before.{name}": value.detach().clone() for name, value in parameters.items()}
optimizer = torch.optim.AdamW(parameters.values(), lr=3e-3, weight_decay=0.1)
loss = sum((value.double().pow(3) * (place + 1)).sum() for place, value in enumerate(parameters.values()))
loss.backward()
optimizer.step()
for name, value in parameters.items():
    tensors[f"after.{name}"] = value.detach().clone()
    tensors[f"gradient.{name}"] = value.grad.clone()
for layer, shapes in LAYERS.items():
    names = [f"{layer}.{name}" for name in shapes]
    flat = [
        torch.cat([part(name).double().flatten() for name in names])
        for part in (
            lambda name: tensors[f"gradient.{name}"],
            lambda name: tensors[f"before.{name}"],
            lambda name: tensors[f"after.{name}"] - tensors[f"before.{name}"],
        )
    ]
    tensors[f"norms.{layer}.all"] = torch.stack([torch.linalg.vector_norm(values) for values in flat])


class Holder(torch.nn.Module):
    pass


root = Holder()
for name, value in tensors.items():
    *parents, leaf = name.split(".")
    holder = root
    for parent in parents:
        if not hasattr(holder, parent):
            holder.add_module(parent, Holder())
        holder = getattr(holder, parent)
    holder.register_buffer(leaf, value)
torch.jit.script(root).save(sys.argv[1])
