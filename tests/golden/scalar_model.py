"""Independent reference: integers, one neuron at a time, step by step, straight from the equations.

Nothing of the golden model's arithmetic is used, only the network description and the data classes
of formats and settings. Plain Python integers; forward runs step-major (all layers of a step, then
the next step), so equality with golden also proves that interval-major order changes nothing.
"""

import math
from collections import Counter
from fractions import Fraction
from itertools import product


def nearest(value):
    return math.floor(value + Fraction(1, 2))


def speck_word(seed, update, hash_id, group, row, rounds=8):
    """Speck32/64 cut to `rounds` rounds: key schedule and data rounds side by side."""

    def step(x, y, key):
        x = (((x >> 7) | (x << 9)) & 0xFFFF) + y & 0xFFFF ^ key
        y = ((y << 2) | (y >> 14)) & 0xFFFF ^ x
        return x, y

    words = [(seed >> 16) & 0xFFFF, update & 0xFFFF, (update >> 16) & 0xFFFF]
    key, x, y = seed & 0xFFFF, row, hash_id << 8 | group
    for i in range(rounds):
        x, y = step(x, y, key)
        mixed, key = step(words[i % 3], key, i)
        words[i % 3] = mixed
    return x | y << 16


class ScalarModel:
    def __init__(self, network, formats, settings, weights, lanes=4, pack_max=0):
        self.network, self.formats, self.settings = network, formats, settings
        self.lanes, self.pack_max = lanes, pack_max
        self.w = [[[int(v) for v in row] for row in weight] for weight in weights]
        self.v = [[[0] * len(row) for row in weight] for weight in self.w]
        self.carry = [dict.fromkeys(self.places(layer), 0) for layer in network.resolved]
        self.trained = 0
        self.saturated = Counter(carry=0, delta=0, gamma=0, weight=0)
        self.operations, self.useful = Counter(), Counter()

    @staticmethod
    def places(layer):
        return list(product(*(range(size) for size in layer.out_shape)))

    def saturate(self, kind, bits, value):
        limit = 2 ** (bits - 1) - 1
        if abs(value) > limit:
            self.saturated[kind] += 1
            return limit if value > 0 else -limit
        return value

    def constants(self, layer):
        lif, one = layer.lif, 2**self.formats.state_fraction
        area = 1
        for reader in self.network.resolved:
            if reader.kind == "pool" and reader.source == layer.index:
                area = reader.window**2
        return {
            "tau": nearest(256 * lif.tau),
            "theta": nearest(one * lif.theta),
            "u_th": nearest(one * lif.u_th),
            "half": min(nearest(one * lif.a / 2), nearest(one * lif.u_th)),
            "A": nearest(256 / (lif.a * area)),
            "C": (nearest(256 * lif.tau), nearest(256 * (lif.tau - lif.theta / lif.a))),
        }

    def synapses(self, layer, place):
        """Yield (source neuron, weight row) of the neuron at `place`; row None below a pool."""
        y, x, c = place
        height, width, channels = layer.in_shape
        if layer.kind == "conv":
            for ky, kx, ci in product(range(layer.kernel), range(layer.kernel), range(channels)):
                sy = y * layer.stride + ky - layer.padding
                sx = x * layer.stride + kx - layer.padding
                if 0 <= sy < height and 0 <= sx < width:
                    yield (sy, sx, ci), (ci * layer.kernel + ky) * layer.kernel + kx
        elif layer.kind == "pool":
            for dy, dx in product(range(layer.window), repeat=2):
                yield (y * layer.window + dy, x * layer.window + dx, c), None
        else:
            for sy, sx, ci in product(range(height), range(width), range(channels)):
                yield (sy, sx, ci), (sy * width + sx) * channels + ci

    def run_interval(self, frames, label, start, learn, halvings=0, update=True):
        layers = self.network.resolved
        if start:
            for carry in self.carry:
                carry.update(dict.fromkeys(carry, 0))
        s = [{} for _ in layers]
        h = [{} for _ in layers]
        steps = len(frames)
        shape = self.network.input_shape
        pixels = list(product(*(range(size) for size in shape)))
        direct = self.network.encoding == "direct"
        if direct:  # index -1 holds bits of the pixels in place of steps
            bits = range(8)
            s.append({(b, *p): int(frames[0][p]) // 2**b % 2 for b in bits for p in pixels})
            self.drive = self.image_drive(layers[0], s[-1])
        else:
            s.append({(t, *p): int(frames[t][p]) for t in range(steps) for p in pixels})
        sent = [*({} for _ in layers), s[-1]]
        for t in range(steps):
            for layer in layers:
                self.forward(layer, t, s, h, sent, learn)
        for layer in layers:
            if layer.kind == "pool":
                self.count_pool(layer, steps, sent[layer.source])
            else:
                frames_seen = 8 if direct and layer.source < 0 else steps
                self.count(layer, "forward", frames_seen, sent[layer.source], None)
        last = self.network.blocks[-1].classifier
        classes = range(self.network.classes)
        counts = [sum(s[last.index][t, 0, 0, c] for t in range(steps)) for c in classes]
        if learn:
            for block in self.network.blocks:
                self.backward(block, steps, label, s, h, sent)
            if update:
                for layer in layers:
                    if layer.kind != "pool":
                        self.update(layer, halvings)
            self.trained += 1
        return counts

    def dropped(self, layer, place):
        """Whether dropout takes a neuron's spikes on their way, in the next trained interval."""
        rate = nearest(256 * self.settings.dropout)
        if layer.kind not in ("conv", "dense") or not rate:
            return False
        y, x, c = place
        row = y + 128 * x + 16384 * (c // 4 % 4)
        word = speck_word(self.settings.seed, self.trained, 128 + layer.hash_id, c // 16, row)
        return word // 256 ** (c % 4) % 256 < rate

    def image_drive(self, layer, bits):
        drive = dict.fromkeys(self.places(layer), 0)
        for place in drive:
            for b in range(8):
                total = sum(
                    self.w[layer.hash_id][row][place[2]] // 2**self.formats.forward_shift
                    for source, row in self.synapses(layer, place)
                    if bits[(b, *source)]
                )
                value = (drive[place] + total) // 2
                drive[place] = self.saturate("carry", self.formats.carry, value)
        return drive

    def forward(self, layer, t, s, h, sent, learn):
        k = self.constants(layer)
        below = self.network.resolved[layer.source] if layer.source >= 0 else None
        rate = nearest(256 * self.settings.dropout)
        corrected = self.settings.dropout_correction and not learn
        if corrected and below and below.kind in ("conv", "dense"):
            for name in ("theta", "u_th"):
                k[name] = nearest(Fraction(256 * k[name], 256 - rate))
        for place in self.places(layer):
            if below is None and self.network.encoding == "direct":
                total = self.drive[place]
            else:
                total = self.weighted(layer, place, t, sent)
            u = self.carry[layer.index][place] + total
            fired = 1 if u >= k["u_th"] else 0
            s[layer.index][(t, *place)] = fired
            gone = learn and self.dropped(layer, place)
            sent[layer.index][(t, *place)] = 0 if gone else fired
            h[layer.index][(t, *place)] = 1 if abs(u - k["u_th"]) < k["half"] else 0
            left = k["tau"] * u // 256 - k["theta"] * fired
            self.carry[layer.index][place] = self.saturate("carry", self.formats.carry, left)

    def weighted(self, layer, place, t, sent):
        total = 0
        for source, row in self.synapses(layer, place):
            if sent[layer.source][(t, *source)]:
                if row is None:
                    total += 2**self.formats.state_fraction // layer.window**2
                else:
                    weight = self.w[layer.hash_id][row][place[2]]
                    total += weight // 2**self.formats.forward_shift
        return total

    def backward(self, block, steps, label, s, h, sent):
        f_e, classes = self.settings.error_fraction, self.network.classes
        unit = Fraction(2 * 2**f_e, classes * steps**2)
        if self.settings.loss == "cross-entropy":
            unit = Fraction(2 * 2**f_e, classes * steps * 65536)
        big = max(r for r in range(32) if nearest(unit * 2**r) < 65536)
        scale = nearest(unit * 2**big)
        top = block.classifier
        errors = {}
        counts = [sum(s[top.index][t, 0, 0, c] for t in range(steps)) for c in range(classes)]
        entropy = self.settings.loss == "cross-entropy"
        if entropy:
            shares = self.shares(counts)
        for c in range(classes):
            value = scale * (counts[c] - steps * (c == label))
            if entropy:
                value = scale * (shares[c] - 65536 * (c == label))
            value = (value + 2 ** (big - 1)) // 2**big if big else value
            value = self.saturate("delta", self.formats.delta, value)
            errors.update({(t, 0, 0, c): value for t in range(steps)})
        for layer in (top, *reversed(block.layers)):
            k = self.constants(layer)
            gamma = {}
            for place in self.places(layer):
                later = 0
                passed = 0 if self.dropped(layer, place) else 1
                for t in reversed(range(steps)):
                    mask = h[layer.index][(t, *place)]
                    value = mask * k["A"] * passed * errors[(t, *place)]
                    value += k["C"][mask] * later + 128
                    later = self.saturate("gamma", self.formats.gamma, value // 256)
                    gamma[(t, *place)] = later
            inner = layer is not block.layers[0]
            if inner:
                below = self.network.resolved[layer.source]
                visited = {
                    key: mask and not self.dropped(below, key[1:])
                    for key, mask in h[layer.source].items()
                }
                errors = self.below(layer, steps, gamma, visited)
                if layer.kind != "pool":
                    self.count(layer, "backward", steps, visited, gamma)
            if layer.kind != "pool":
                frames_seen = steps
                if layer.source < 0 and self.network.encoding == "direct":
                    gamma, frames_seen = self.image_gamma(layer, steps, gamma), 8
                self.accumulate(layer, frames_seen, gamma, sent[layer.source])
                self.count(layer, "gradient", frames_seen, sent[layer.source], gamma)

    def image_gamma(self, layer, steps, gamma):
        """Return what is added to V for each bit of the pixels."""
        added = {}
        for place in self.places(layer):
            total = 0
            for t in reversed(range(steps)):
                total = self.saturate("gamma", self.formats.delta, total + gamma[(t, *place)])
            for b in range(8):
                value = (total * 2**b + 128) // 256
                added[(b, *place)] = self.saturate("gamma", self.formats.gamma, value)
        return added

    def shares(self, counts):
        """Return the softmax of counts in 1/65536, halves per 2**shift spikes."""
        eighths = [(max(counts) - n) * 8 // 2**self.settings.temperature_shift for n in counts]
        weights = [nearest(2 ** (15 - x % 8 / 8)) // 2 ** (x // 8) for x in eighths]
        return [w * (2**31 // sum(weights)) // 2**15 for w in weights]

    def below(self, layer, steps, gamma, mask):
        sums = dict.fromkeys(mask, 0)
        for place in self.places(layer):
            for source, row in self.synapses(layer, place):
                weight = 1 if row is None else self.w[layer.hash_id][row][place[2]]
                for t in range(steps):
                    sums[(t, *source)] += weight * gamma[(t, *place)]
        if layer.kind == "pool":
            return sums
        f_w = self.formats.weight_fraction
        return {
            key: self.saturate("delta", self.formats.delta, (total + 2 ** (f_w - 1)) // 2**f_w)
            if mask[key]
            else 0
            for key, total in sums.items()
        }

    def accumulate(self, layer, steps, gamma, spikes):
        v, half = self.v[layer.hash_id], 2 ** (self.formats.gradient - 1)
        for place in self.places(layer):
            for source, row in self.synapses(layer, place):
                for t in range(steps):
                    if spikes[(t, *source)]:
                        v[row][place[2]] += gamma[(t, *place)]
                        assert -half <= v[row][place[2]] < half

    def update(self, layer, halvings):
        settings, f_w = self.settings, self.formats.weight_fraction
        shifts = settings.layer_shifts
        shift = shifts[0] if len(shifts) == 1 else shifts[layer.hash_id]
        q = settings.rate_shift + shift + halvings + settings.error_fraction - f_w
        w, v, d = self.w[layer.hash_id], self.v[layer.hash_id], settings.momentum_shift
        for row in range(len(w)):
            for c in range(len(w[row])):
                word = speck_word(settings.seed, self.trained, layer.hash_id, c >> 4, row)
                moved = (v[row][c] + word % 2**q) // 2**q if q > 0 else v[row][c] * 2**-q
                w[row][c] = self.saturate("weight", self.formats.weight, w[row][c] - moved)
                kept = Fraction(v[row][c], 2**d)
                away = settings.decay_to_zero and v[row][c] > 0
                v[row][c] -= math.ceil(kept) if away or not d else math.floor(kept)

    def count(self, layer, phase, steps, events, gamma):
        """Count lane operations by going through every synapse."""
        lanes, channels = self.lanes, layer.out_shape[2]
        groups = [range(g, min(g + lanes, channels)) for g in range(0, channels, lanes)]
        key = (layer.name, phase)
        for t, y, x in product(range(steps), *(range(size) for size in layer.out_shape[:2])):
            here = sum(events[(t, *p)] for p, _ in self.synapses(layer, (y, x, 0)))
            for group in groups:
                asked = range(channels) if layer.kind == "conv" else group
                if gamma is None or any(gamma[t, y, x, c] for c in asked):
                    self.operations[key] += here
                    self.useful[key] += here * len(group)

    def packed(self, shape):
        """Return the positions that share a word of a map."""
        together = 1
        while together < 2**self.pack_max and self.lanes // (2 * together) >= shape[2]:
            together *= 2
        return together

    def count_pool(self, layer, steps, events):
        """Count words of the source with a spike, by going through every neuron of the source."""
        together, own = self.packed(layer.in_shape), self.packed(layer.out_shape)
        columns = -(-layer.out_shape[1] // own)
        words = Counter()
        for t, y, x, c in product(range(steps), *(range(size) for size in layer.in_shape)):
            inside = y // layer.window < layer.out_shape[0]
            if inside and x // together // layer.window < columns:
                words[t, y, x // together, c // self.lanes] += events[t, y, x, c]
        self.operations[layer.name, "pool"] += sum(count > 0 for count in words.values())
        self.useful[layer.name, "pool"] += sum(words.values())
