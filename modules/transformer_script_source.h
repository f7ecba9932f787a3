// The TorchScript that modules/transformer_script.cpp fills in: {name} stands for what depends on
// the configuration. Dtypes are numbers in this language: 5 is float16, 6 float32, 7 float64, 11
// bool.
#pragma once

namespace dragoman {

inline constexpr const char* kScriptLayer = R"(
def _attend(self, queries: Tensor, keys: Tensor, values: Tensor, added: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    scores = torch.matmul(queries * {scale}, torch.transpose(keys, -2, -1))
    if added is not None:
        scores = scores + added
    weights = torch.dropout(torch.softmax(scores, -1), {attention_dropout}, self.training)
    heads = torch.transpose(torch.matmul(weights, values), 1, 2)
    return torch.reshape(heads, [heads.size(0), heads.size(1), {dim}]), scores

def _feed_forward(self, x: Tensor) -> Tensor:
    inner = torch.{activation}({inner})
    inner = torch.dropout(inner, {activation_dropout}, self.training)
    return {outer}
)";

inline constexpr const char* kScriptEncoderLayer = R"(
def _attend_self(self, x: Tensor, added: Tensor) -> Tensor:
    parts = torch.view({query_key_value}, [x.size(0), x.size(1), 3, {heads}, -1])
    parts = torch.permute(parts, [2, 0, 3, 1, 4])
    heads, scores = self._attend(parts[0], parts[1], parts[2], added)
    return {self_output}

def forward(self, x: Tensor, added: Tensor) -> Tensor:
    y = {before_self_attention}
    y = torch.dropout(self._attend_self(y, added), {dropout}, self.training)
    x = {after_self_attention}
    y = {before_feed_forward}
    y = torch.dropout(self._feed_forward(y), {dropout}, self.training)
    x = {after_feed_forward}
    return x
)";

inline constexpr const char* kScriptDecoderLayer = R"(
def start(self, x: Tensor) -> List[Tensor]:
    parts = torch.view({key_value}, [x.size(0), x.size(1), 2, {heads}, -1])
    parts = torch.permute(parts, [2, 0, 3, 1, 4])
    past = torch.narrow(parts[0], 2, 0, 0)
    return [parts[0], parts[1], past, past]

def _attend_self(self, x: Tensor, added: Optional[Tensor], state: List[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    parts = torch.view({query_key_value}, [x.size(0), x.size(1), 3, {heads}, -1])
    parts = torch.permute(parts, [2, 0, 3, 1, 4])
    keys = torch.cat([state[2], parts[1]], 2)
    values = torch.cat([state[3], parts[2]], 2)
    heads, scores = self._attend(parts[0], keys, values, added)
    return {self_output}, keys, values

def _attend_source(self, x: Tensor, added: Tensor, state: List[Tensor]) -> Tuple[Tensor, Tensor]:
    queries = torch.view({query}, [x.size(0), x.size(1), {heads}, -1])
    heads, scores = self._attend(torch.transpose(queries, 1, 2), state[0], state[1], added)
    return {cross_output}, scores

def forward(self, x: Tensor, causal: Optional[Tensor], added: Tensor, state: List[Tensor]) -> Tuple[Tensor, Tensor, List[Tensor]]:
    y = {before_self_attention}
    y, keys, values = self._attend_self(y, causal, state)
    y = torch.dropout(y, {dropout}, self.training)
    x = {after_self_attention}
    y = {before_cross_attention}
    y, scores = self._attend_source(y, added, state)
    y = torch.dropout(y, {dropout}, self.training)
    x = {after_cross_attention}
    y = {before_feed_forward}
    y = torch.dropout(self._feed_forward(y), {dropout}, self.training)
    x = {after_feed_forward}
    return x, scores, [state[0], state[1], keys, values]
)";

inline constexpr const char* kScriptEmbed = R"(
def _embed_{side}(self, ids: Tensor, offset: int) -> Tensor:
    x = {rows}
    x = x * {scale}
{word_dropout}{positions}    return torch.dropout(x, {dropout}, self.training)
)";

inline constexpr const char* kScriptWordDropout =
    R"(    kept = torch.dropout(torch.ones_like(torch.narrow(x, 2, 0, 1)), {word_dropout}, self.training)
    x = x * torch.to(torch.ne(kept, 0), x.dtype)
)";

inline constexpr const char* kScriptSinusoidal =
    R"(    places = torch.arange(offset, offset + ids.size(1), dtype=7, device=x.device)
    rates = torch.exp(torch.arange({pairs}, dtype=7, device=x.device) * {rate})
    angles = torch.outer(places, rates)
    table = {table}
    x = x + torch.to(torch.to(torch.narrow(table, 1, 0, {dim}), 6), x.dtype)
)";

inline constexpr const char* kScriptInterleaved =
    "torch.view(torch.stack([torch.sin(angles), torch.cos(angles)], -1), [ids.size(1), -1])";
inline constexpr const char* kScriptSplit = "torch.cat([torch.sin(angles), torch.cos(angles)], 1)";

inline constexpr const char* kScriptModel = R"(
def _added(self, mask: Tensor, x: Tensor) -> Tensor:
    added = torch.zeros_like(mask, dtype=x.dtype)
    added = torch.masked_fill(added, torch.logical_not(mask), -65504.0 if x.dtype == 5 else -3.0e38)
    return torch.unsqueeze(torch.unsqueeze(added, 1), 1)

def _memory(self, ids: Tensor, mask: Tensor) -> Tensor:
    x = self._embed_source(ids, 0)
    added = self._added(mask, x)
{encoder_layers}    return {encoder_norm}

def _causal(self, x: Tensor, past: int) -> Optional[Tensor]:
    length = x.size(1)
    added: Optional[Tensor] = None
    if length > 1:
        added = torch.triu(torch.full([length, past + length], -65504.0 if x.dtype == 5 else -3.0e38, dtype=x.dtype, device=x.device), past + 1)
    return added

def _decode(self, tokens: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor], Tensor]:
    past = state[3].size(2)
    x = self._embed_target({readable}, past)
    causal = self._causal(x, past)
    added = self._added(state[0], x)
    new = [state[0]]
{decoder_layers}    return {decoder_norm}, new, {pointer_scores}

def _words(self, x: Tensor) -> Tensor:
    return torch.log_softmax({logits}, -1)
)";

inline constexpr const char* kScriptPlain = R"(
def encode(self, ids: Tensor, mask: Optional[Tensor]=None) -> List[Tensor]:
    real = torch.ones_like(ids, dtype=11) if mask is None else mask
    memory = self._memory(ids, real)
    state = [real]
{start_layers}    return state

def _log_probs(self, tokens: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]:
    hidden, new, scores = self._decode(tokens, state)
    return self._words(hidden), new

def decode_step(self, last: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]:
    log_probs, new = self._log_probs(torch.unsqueeze(last, 1), state)
    return torch.squeeze(log_probs, 1), new

def forward(self, ids: Tensor, target: Tensor, mask: Optional[Tensor]=None) -> Tensor:
    log_probs, state = self._log_probs(target, self.encode(ids, mask))
    return log_probs
)";

// The state ends in: copy ids [R, S], -1e9 for each extra word [R, E], keys of the pointer [R, S,
// P], weights seen [R, S], positions followed [R, 2, S].
inline constexpr const char* kScriptCopying = R"(
def encode(self, ids: Tensor, mask: Optional[Tensor]=None, copy_ids: Optional[Tensor]=None, extra_words: int=0) -> List[Tensor]:
    real = torch.ones_like(ids, dtype=11) if mask is None else mask
    memory = self._memory(ids, real)
    state = [real]
{start_layers}{copy_ids}    state.append(copies)
    state.append(torch.full([ids.size(0), extra_words], -1.0e9, dtype=memory.dtype, device=memory.device))
    state.append({pointer_keys})
    state.append(torch.zeros_like(ids, dtype=memory.dtype))
    state.append(torch.zeros([ids.size(0), 2, ids.size(1)], dtype=11, device=ids.device))
    return state

def _moved(self, x: Tensor) -> Tensor:
    return torch.constant_pad_nd(torch.narrow(x, -1, 0, x.size(-1) - 1), [1, 0], 0)

def _point(self, x: Tensor, tokens: Tensor, cross_scores: Tensor, state: List[Tensor]) -> Tuple[Tensor, Tensor, Tensor, List[Tensor]]:
    ids = state[{copying}]
    keys = state[{copying} + 2]
    seen = state[{copying} + 3]
    followed = state[{copying} + 4]
    scores = {scores}
{look_back}{follow}    log_weights = torch.log_softmax(scores, -1)
    context = torch.bmm(torch.exp(log_weights), keys)
    y = torch.cat([x, context], -1)
    gate = torch.squeeze({gate}, -1)
{follow_gate}    new = [ids, state[{copying} + 1], keys, seen, followed]
    return log_weights, torch.log_sigmoid(gate), torch.log_sigmoid(torch.neg(gate)), new

def _log_probs(self, tokens: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]:
    hidden, new, cross_scores = self._decode(tokens, state)
    log_weights, log_generate, log_copy, copying = self._point(hidden, tokens, cross_scores, state)
    words = self._words(hidden) + torch.unsqueeze(log_generate, -1)
    extra = torch.expand(torch.unsqueeze(state[{copying} + 1], 1), [-1, tokens.size(1), -1])
    generated = torch.cat([words, extra], -1)
    copied = torch.exp(log_weights + torch.unsqueeze(log_copy, -1))
    places = torch.expand_as(torch.unsqueeze(torch.clamp_min(state[{copying}], 0), 1), copied)
    mass = torch.scatter_add(torch.zeros_like(generated), 2, places, copied)
    held = torch.gt(mass, 0)
    log_mass = torch.log(torch.where(held, mass, torch.ones_like(mass)))
    log_mass = torch.where(held, log_mass, torch.full_like(mass, -1.0e9))
    return torch.logaddexp(generated, log_mass), new + copying

def decode_step(self, last: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]:
    log_probs, new = self._log_probs(torch.unsqueeze(last, 1), state)
    return torch.squeeze(log_probs, 1), new

def forward(self, ids: Tensor, target: Tensor, mask: Optional[Tensor]=None, copy_ids: Optional[Tensor]=None, extra_words: int=0) -> Tensor:
    log_probs, state = self._log_probs(target, self.encode(ids, mask, copy_ids, extra_words))
    return log_probs
)";

inline constexpr const char* kScriptLookBack = R"(    first_look = torch.softmax(scores, -1)
    all_seen = torch.cumsum(first_look, 1) + torch.unsqueeze(seen, 1)
    seen = torch.select(all_seen, 1, -1)
    scores = scores + self.copy_head.coverage * (all_seen - first_look)
)";

inline constexpr const char* kScriptFollow =
    R"(    after = self._moved(torch.eq(torch.unsqueeze(ids, 1), torch.unsqueeze(tokens, 2)))
    one = torch.logical_and(after, torch.unsqueeze(state[0], 1))
    past_one = torch.cat([torch.narrow(followed, 1, 0, 1), torch.narrow(one, 1, 0, one.size(1) - 1)], 1)
    two = torch.logical_and(one, self._moved(past_one))
    past_two = torch.cat([torch.narrow(followed, 1, 1, 1), torch.narrow(two, 1, 0, two.size(1) - 1)], 1)
    three = torch.logical_and(one, self._moved(past_two))
    followed = torch.stack([torch.select(one, 1, -1), torch.select(two, 1, -1)], 1)
    gains = self.copy_head.follow
    scores = scores + one * gains[0] + two * gains[1] + three * gains[2]
)";

inline constexpr const char* kScriptFollowGate = R"(    openings = self.copy_head.follow_gate
    gate = gate + torch.any(one, -1) * openings[0] + torch.any(two, -1) * openings[1] + torch.any(three, -1) * openings[2]
)";

}  // namespace dragoman
