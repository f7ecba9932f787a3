"""model_methods_reference.py FOLDER COUNT: runs the methods of FOLDER/N.pt and compares with FOLDER/N.expected.pt."""

import io
import sys

import torch


ENGINE = []  # largest differences of probabilities


def compare(name, found, expected, tolerance):
    assert found.shape == expected.shape, (name, found.shape, expected.shape)
    impossible = expected < -1e8
    assert bool((found[impossible] < -1e8).all()), name
    difference = ((found - expected).abs() / expected.abs().clamp_min(1.0))[~impossible].max().item()
    assert difference < tolerance, (name, difference)
    return difference


def greedy(model, state, begin, end, forbidden, steps):
    """[rows, steps], -1 after the end."""
    last = torch.full([state[0].size(0)], begin, device=state[0].device)
    alive = torch.ones_like(last, dtype=torch.bool)
    columns = []
    for _ in range(steps):
        log_probs, state = model.decode_step(last, state)
        log_probs[:, forbidden] = -float("inf")
        last = log_probs.argmax(1)
        columns.append(last.masked_fill(~alive, -1))
        alive &= last != end
    return torch.stack(columns, 1)


def tolerance_of(device):
    return 1e-5 if device == "cpu" else 1e-4


def check(folder, number, device):
    files = {"config.json": "", "source.spm": "", "card.json": ""}
    model = torch.jit.load(f"{folder}/{number}.pt", _extra_files=files, map_location=device)
    assert files["card.json"] == b'{"steps": 7}' and len(files["source.spm"]) > 1000
    case = {name: value.to(device) for name, value in
            torch.jit.load(f"{folder}/{number}.expected.pt").state_dict().items()}
    ids, target = case["ids"], case["target"]
    mask = torch.arange(ids.size(1), device=device).unsqueeze(0) < case["lengths"].unsqueeze(1)
    source = [ids, mask]
    if "copy_ids" in case:
        source += [case["copy_ids"], int(case["extra_words"])]
    is_float = all(buffer.is_floating_point() for buffer in model.buffers())
    is_float = is_float and all(p.dtype == torch.float32 for p in model.parameters())
    tolerance = tolerance_of(device)
    worst = 0.0
    with torch.no_grad():
        whole = model.forward(ids, target, *source[1:])
        worst = max(worst, compare(f"{number} forward", whole, case["log_probs"], tolerance))
        if is_float:
            compare(f"{number} engine", whole, case["engine_log_probs"], 10 * tolerance)
            ENGINE.append((whole.exp() - case["engine_log_probs"].exp()).abs().max().item())
        state = model.encode(*source)
        assert all(part.size(0) == ids.size(0) for part in state)
        steps = []
        for position in range(target.size(1)):
            log_probs, state = model.decode_step(target[:, position], state)
            steps.append(log_probs)
        worst = max(worst, compare(f"{number} steps", torch.stack(steps, 1), whole, tolerance))
        pad, begin, end = case["special"].tolist()
        forbidden = [special for special in {pad, begin} if special != end]
        said = greedy(model, model.encode(*source), begin, end, forbidden, 16)
        said[:, 15].masked_fill_(said[:, 15] != end, -1)  # a search stops after 15 words
        assert torch.equal(said, case["greedy"]), (number, said, case["greedy"])
        # Rows are on axis 0: a beam repeats, keeps and drops them.
        rows = torch.tensor([1, 0, 0], device=device)
        one, _ = model.decode_step(target[:, 0], model.encode(*source))
        other, _ = model.decode_step(target[rows, 0], [part.index_select(0, rows) for part in model.encode(*source)])
        compare(f"{number} rows", other, one[rows], tolerance)
    if is_float:
        fine_tune(model, source, target, pad, number)
    return worst


def fine_tune(model, source, target, pad, number):
    """Every parameter gets a gradient, dropout is on, and what was learnt is saved."""
    model.train()
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    log_probs = model.forward(source[0], target[:, :-1], *source[1:])
    again = model.forward(source[0], target[:, :-1], *source[1:])
    assert not torch.equal(log_probs, again), f"{number}: no dropout"
    loss = torch.nn.functional.nll_loss(log_probs.flatten(0, 1), target[:, 1:].flatten(), ignore_index=pad)
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.isfinite().all()), (number, name)
    model.eval()
    bytes_ = io.BytesIO()
    torch.jit.save(model, bytes_)
    bytes_.seek(0)
    saved = torch.jit.load(bytes_)
    with torch.no_grad():
        assert torch.equal(saved.forward(source[0].cpu(), target.cpu(), source[1].cpu()) if len(source) == 2
                           else saved.forward(*(part.cpu() if torch.is_tensor(part) else part for part in
                                                [source[0], target, *source[1:]])),
                           model.cpu().forward(*(part.cpu() if torch.is_tensor(part) else part for part in
                                                 [source[0], target, *source[1:]])))


folder, count = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)
for device in ["cpu"] + (["cuda"] if torch.cuda.is_available() else []):
    worst = 0.0
    for number in range(count):
        torch._C._set_graph_executor_optimize(number % 8 == 0)  # optimising takes most of the time
        worst = max(worst, check(folder, number, device))
    assert max(ENGINE) < tolerance_of(device), max(ENGINE)
    print(f"{count} models on {device}: log-probabilities differ from the modules' by {worst:.1e} at most, "
          f"probabilities from the engine's by {max(ENGINE):.1e}")
