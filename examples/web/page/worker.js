"use strict";
// Trains beside the page: the page sends {do, ...}, this answers {did, ...}.
let wasm, training = false, watching = false, inject = 0, seed = 1, prompt = "the", source = 0;
let curve = [], spent = 0, trained = 0, running = null;

const bytes = () => new Uint8Array(wasm.memory.buffer, wasm.output(), wasm.output_len()).slice();
const said = () => new TextDecoder().decode(bytes());
const hex = hash => BigInt.asUintN(64, hash).toString(16).padStart(16, "0");
const give = data => {
  const all = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const at = wasm.input(all.length);
  new Uint8Array(wasm.memory.buffer, at, all.length).set(all);
};
const fail = message => { training = false; postMessage({ did: "problem", message }); };
const facts = () => {
  wasm.facts();
  const [v, d, h, n, t, tokens, perEpoch, parameters, epochs, steps] = new Uint32Array(bytes().buffer);
  return { v, d, h, n, t, tokens, perEpoch, parameters, epochs, steps };
};
const next = () => {
  give(prompt);
  if (wasm.next_words()) return [];
  const all = bytes(), shares = new Float32Array(all.buffer, 0, 5);
  const words = new TextDecoder().decode(all.subarray(20)).split("\n");
  return words.slice(0, -1).map((word, i) => [word, shares[i]]);
};
const tell = () => postMessage({
  did: "trained", facts: facts(), curve, next: next(), hash: hex(wasm.weights_hash()), training,
  speed: spent > 0 ? trained / spent * 1000 : 0,
});

// Points of the curve: when there are too many, two become one.
const point = (step, loss, steps) => {
  const last = curve[curve.length - 1], wide = Math.max(1, Math.ceil(step / 300));
  if (last && last.steps < wide) {
    last.loss = (last.loss * last.steps + loss * steps) / (last.steps + steps);
    last.steps += steps;
    last.step = step;
  } else curve.push({ step, loss, steps });
  if (curve.length > 600) {
    const all = curve;
    curve = [];
    for (let i = 0; i < all.length; i += 2) {
      const [a, b] = [all[i], all[i + 1] || all[i]];
      curve.push({ step: b.step, loss: (a.loss + b.loss) / 2, steps: a.steps + b.steps });
    }
  }
};

const slice = () => {
  const from = performance.now(), perEpoch = facts().perEpoch;
  let now = from;
  if (!perEpoch) return fail("there is no text to train on, or it is too short");
  while (now - from < 60) {
    const loss = wasm.train(1);
    if (Number.isNaN(loss)) return fail(said());
    trained += 1;
    point(facts().steps, loss, 1);
    now = performance.now();
  }
  spent += now - from;
  tell();
};

const watch = () => {
  const seen = [];
  for (let i = 0; i < 2; i += 1) {
    if (wasm.event(inject)) return fail(said());
    inject = 0;
    const [surprise, threshold, kind] = new Float32Array(bytes().buffer);
    seen.push({ surprise, threshold, kind: kind % 64, strange: kind >= 64 });
  }
  postMessage({ did: "events", seen });
};

const goOnRunning = () => {
  const from = performance.now();
  let hash = 0n;
  while (running.done < running.steps && performance.now() - from < 80) {
    const some = Math.min(running.which ? 100 : 2, running.steps - running.done);
    hash = wasm.run_on(some);
    running.done += some;
  }
  running.spent += performance.now() - from;
  const { which, steps, done, spent } = running;
  const ended = done === steps;
  postMessage({
    did: "ran", which, steps, done, ended, hash: hex(hash), desktop: hex(wasm.desktop_hash(which)),
    speed: done / spent * 1000,
  });
  if (ended) running = null;
};

// One thing after the other, with the messages of the page between them.
let asleep = true;
const turn = () => {
  asleep = !(training || watching || running);
  if (training) slice();
  if (running) goOnRunning();
  if (watching) watch();
  if (!asleep) setTimeout(turn, watching && !training && !running ? 33 : 0);
};
const wake = () => { if (asleep) { asleep = false; setTimeout(turn, 0); } };

const fresh = () => { curve = []; spent = trained = 0; };
const does = {
  async load({ program }) {
    wasm = (await WebAssembly.instantiate(program)).instance.exports;
    wasm.start(0);
    postMessage({ did: "loaded" });
    tell();
  },
  start({ which, text }) {
    source = which;
    if (which === 2) give(text);
    if (wasm.start(which)) return fail(said());
    fresh();
    tell();
  },
  train({ on }) { training = on; if (on) wake(); else tell(); },
  prompt({ text }) { prompt = text; postMessage({ did: "next", next: next() }); },
  goOn({ text }) {
    give(text);
    if (wasm.go_on(24, seed++)) return fail(said());
    postMessage({ did: "continued", text: said() });
  },
  save() {
    if (wasm.save()) return fail(said());
    postMessage({ did: "saved", file: bytes() });
  },
  open({ file }) {
    give(file);
    if (wasm.open()) return fail(said());
    fresh();
    postMessage({ did: "opened" });
    tell();
  },
  watch({ on }) { watching = on; if (on) wake(); },
  inject() { inject = 3; },
  run({ which }) {
    running = { which, steps: wasm.run(which, 0), done: 0, spent: 0 };
    wake();
  },
};
onmessage = ({ data }) => {
  try {
    Promise.resolve(does[data.do](data)).catch(error => fail(String(error)));
  } catch (error) {
    fail(String(error));
  }
};
