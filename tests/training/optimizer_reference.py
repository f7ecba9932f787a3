"""Twenty steps of torch.optim on random parameters and gradients; writes what went in and what came out."""

import sys

import torch

STEPS = 20
LEARNING_RATE = 3e-3
DECAY = 0.1
SHAPES = {"matrix": (7, 5), "embedding": (11, 3), "bias": (5,), "gain": (1,)}

torch.manual_seed(3)
tensors = {}
start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
gradients = [{name: torch.randn(shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]
for name, value in start.items():
    tensors[f"start.{name}"] = value
    tensors[f"gradient.{name}"] = torch.stack([step[name] for step in gradients])

KINDS = {
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-9, foreach=False),
    "adam": lambda groups: torch.optim.Adam(groups, lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-9, foreach=False),
    "sgd": lambda groups: torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=0.9, foreach=False),
}
for kind, make in KINDS.items():
    parameters = {name: torch.nn.Parameter(value.double()) for name, value in start.items()}
    matrices = [value for value in parameters.values() if value.dim() >= 2]
    vectors = [value for value in parameters.values() if value.dim() < 2]
    optimizer = make([{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}])
    for step in gradients:
        for name, value in parameters.items():
            value.grad = step[name].double()
        optimizer.step()
    for name, value in parameters.items():
        tensors[f"{kind}.{name}"] = value.detach().clone()

# Norm clipping, once: gradients as clip_grad_norm_ leaves them.
for limit in (0.5, 1000.0):
    clipped = [torch.nn.Parameter(value.clone()) for value in start.values()]
    for value, name in zip(clipped, SHAPES):
        value.grad = gradients[0][name].clone()
    norm = torch.nn.utils.clip_grad_norm_(clipped, limit)
    tensors[f"norm_{int(limit)}.total"] = norm
    for value, name in zip(clipped, SHAPES):
        tensors[f"clipped_{int(limit)}.{name}"] = value.grad


class Holder(torch.nn.Module):
    pass


root = Holder()
for name, value in tensors.items():
    parent, leaf = name.split(".")
    if not hasattr(root, parent):
        root.add_module(parent, Holder())
    getattr(root, parent).register_buffer(leaf, value)
torch.jit.script(root).save(sys.argv[1])
