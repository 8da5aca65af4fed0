// The runs of the desktop in this engine: their hashes, and how fast simd128 is next to one lane.
//
//     node tests/speed.mjs simd128.wasm one_lane.wasm
import { readFileSync } from "node:fs";

const load = async path => (await WebAssembly.instantiate(readFileSync(path))).instance.exports;
const [vector, scalar] = await Promise.all(process.argv.slice(2, 4).map(load));
const hex = hash => BigInt.asUintN(64, hash).toString(16).padStart(16, "0");

// Seconds of the processor's time for a number of steps of a run: other programs take little of it.
const time = (wasm, steps) => {
  const from = process.cpuUsage();
  wasm.run_on(steps);
  return process.cpuUsage(from).user / 1e6;
};
let sound = true;
for (const [which, name, steps, slice] of [[1, "E", 10000, 500], [0, "S", 1000, 5]]) {
  // In turns: other programs disturb both alike. The best of each.
  const best = [vector, scalar].map(() => Infinity);
  [vector, scalar].forEach(wasm => { wasm.run(which, 0); time(wasm, slice); });
  for (let round = 0; round < 9; round += 1) {
    [vector, scalar].forEach((wasm, i) => { best[i] = Math.min(best[i], time(wasm, slice)); });
  }
  const ratio = best[1] / best[0];
  const rates = best.map(seconds => Math.round(slice / seconds));
  console.log(`${name}: simd128 ${rates[0]} steps/s, one lane ${rates[1]}, ${ratio.toFixed(2)} times as fast`);
  for (const wasm of [vector, scalar]) {
    wasm.run(which, 0);
    const hash = hex(wasm.run_on(steps)), desktop = hex(wasm.desktop_hash(which));
    console.log(`${name}: ${steps} steps, ${hash}, desktop ${desktop}`);
    sound &&= hash === desktop;
  }
}
if (!sound) {
  console.error("other bits");
  process.exit(1);
}
