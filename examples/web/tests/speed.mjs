// The runs of the desktop in this engine: their hashes, and how fast the first program is next to the last one.
//
//     node tests/speed.mjs relaxed-simd=a.wasm simd128=b.wasm portable=c.wasm [least ratio of the first to the last]
import { readFileSync } from "node:fs";
import v8 from "node:v8";

const load = async path => {
  const code = readFileSync(path);
  // node 20 knows relaxed SIMD, but not without being told
  if (!WebAssembly.validate(code)) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  return (await WebAssembly.instantiate(code)).instance.exports;
};
const named = process.argv.slice(2).filter(arg => arg.includes("=")).map(arg => arg.split("="));
const least = Number(process.argv.slice(2).find(arg => !arg.includes("=")) ?? 0);
const names = named.map(([name]) => name);
const programs = await Promise.all(named.map(([, path]) => load(path)));
const hex = hash => BigInt.asUintN(64, hash).toString(16).padStart(16, "0");
let sound = true;
const check = (holds, what) => {
  if (!holds) console.error(what);
  sound &&= holds;
};

// Seconds of the processor's time for a number of steps of a run: other programs take little of it.
const time = (wasm, steps) => {
  const from = process.cpuUsage();
  wasm.run_on(steps);
  return process.cpuUsage(from).user / 1e6;
};
for (const [which, name, steps, slice] of [[1, "E", 10000, 500], [0, "S", 1000, 5]]) {
  // In turns: other programs disturb all alike. The best of each.
  const best = programs.map(() => Infinity);
  programs.forEach(wasm => { wasm.run(which, 0); time(wasm, slice); });
  for (let round = 0; round < 15; round += 1) {
    programs.forEach((wasm, i) => { best[i] = Math.min(best[i], time(wasm, slice)); });
  }
  const ratios = best.map(seconds => best[best.length - 1] / seconds);
  names.forEach((isa, i) => {
    console.log(`${name}: ${isa} ${Math.round(slice / best[i])} steps/s, ${ratios[i].toFixed(2)} times as fast as ${
      names[names.length - 1]}`);
  });
  check(ratios[0] >= least, `${name}: ${names[0]} is less than ${least} times as fast`);
  programs.forEach((wasm, i) => {
    wasm.run(which, 0);
    const hash = hex(wasm.run_on(steps)), desktop = hex(wasm.desktop_hash(which));
    console.log(`${name}: ${names[i]}, ${steps} steps, ${hash}, desktop ${desktop}`);
    check(hash === desktop, `${name}: ${names[i]} has other bits`);
  });
}
process.exitCode = sound ? 0 : 1;
