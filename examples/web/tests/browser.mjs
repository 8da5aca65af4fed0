// Opens the page from the disk in a headless Chromium, as a visitor would: trains, types, saves, opens, watches events,
// compares the hashes. Anything on the console fails it.
//
//     node tests/browser.mjs target/rnnlm.html [folder for screenshots and the saved model]
//
// Talks to the browser over its pipe (--remote-debugging-pipe), so that nothing has to be installed but Chromium.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [page, folder = mkdtempSync(join(tmpdir(), "rnnlm-page-"))] = process.argv.slice(2).map(path => resolve(path));
mkdirSync(folder, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "rnnlm-profile-"));
// A slow or busy machine takes long, but not forever.
const PATIENCE = Number(process.env.PATIENCE ?? 120) * 1000;

const browser = spawn(process.env.CHROMIUM ?? "chromium", [
  "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
  "--disable-background-networking", `--user-data-dir=${profile}`, "--remote-debugging-pipe", "about:blank",
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const quit = () => {
  browser.kill();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
};

const waiting = new Map(), faults = [];
let last = 0, rest = "";
browser.stdio[4].setEncoding("utf8").on("data", data => {
  const messages = (rest + data).split("\0");
  rest = messages.pop();
  for (const { id, result, error, method, params } of messages.map(JSON.parse)) {
    if (id) {
      const { done, failed } = waiting.get(id);
      waiting.delete(id);
      error ? failed(new Error(error.message)) : done(result);
    } else if (method === "Runtime.exceptionThrown") {
      faults.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    } else if (method === "Runtime.consoleAPICalled" || method === "Log.entryAdded") {
      faults.push(params.entry?.text ?? params.args.map(arg => arg.value ?? arg.description).join(" "));
    }
  }
});
let sessionId;
const call = (method, params = {}) => new Promise((done, failed) => {
  last += 1;
  waiting.set(last, { done, failed });
  browser.stdio[3].write(JSON.stringify({ id: last, method, params, sessionId }) + "\0");
});
const evaluate = async expression => {
  const { result, exceptionDetails } = await call("Runtime.evaluate", { expression, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
};
const pause = ms => new Promise(done => setTimeout(done, ms));
const until = async (what, expression) => {
  const from = Date.now();
  let value;
  while (!(value = await evaluate(expression))) {
    if (Date.now() - from > PATIENCE) throw new Error(`waited in vain: ${what}`);
    await pause(50);
  }
  console.log(`${what}: ${value}`);
  return value;
};
const text = id => `document.getElementById("${id}").textContent`;
const click = id => evaluate(`document.getElementById("${id}").click()`);
const count = id => `Number(${text(id)}.replace(/,/g, ""))`;
const check = (sound, what) => { if (!sound) throw new Error(what); };
const type = async (id, words) => {
  await evaluate(`document.getElementById("${id}").select()`);
  await evaluate(`document.getElementById("${id}").focus()`);
  await call("Input.insertText", { text: words });
};
const key = async name => {
  for (const type of ["keyDown", "keyUp"]) await call("Input.dispatchKeyEvent", { type, key: name, code: name });
};
const choose = async (id, files) => {
  const { root } = await call("DOM.getDocument");
  const { nodeId } = await call("DOM.querySelector", { nodeId: root.nodeId, selector: `#${id}` });
  await call("DOM.setFileInputFiles", { nodeId, files });
};
const picture = async (name, width, height, scheme) => {
  await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
  await pause(300);
  const wide = await evaluate("document.documentElement.scrollWidth");
  check(wide <= width, `${name}: ${wide} pixels wide, more than ${width}`);
  const { data } = await call("Page.captureScreenshot", { captureBeyondViewport: true });
  writeFileSync(join(folder, `${name}.png`), Buffer.from(data, "base64"));
};
const open = async () => {
  await call("Page.navigate", { url: `file://${page}` });
  await until("interactive after ms", "document.body?.dataset.ready");
};

const words = async () => {
  check(await evaluate(count("steps")) === 0, "it trains before it is asked");
  await click("train");
  await until("steps", `${count("steps")} >= 200 && ${text("steps")}`);
  await picture("words-light", 1000, 1250, "light");
  await picture("words-phone", 390, 1500, "light");
  await picture("words-phone-dark", 390, 1500, "dark");
  await click("train");
  await until("paused", `document.getElementById("train").textContent === "Train"`);
  await pause(300);
  check(await evaluate(`parseFloat(${text("perplexity")})`) < 300, "it has learned nothing");
  await type("prompt", "the dog");
  await until("next words", `[...document.querySelectorAll("#next li span:first-child")].map(x => x.textContent)
    .join(" ")`);
  await key("Enter");
  await evaluate(`document.getElementById("go-on").click()`);
  await until("continued", `${text("continued")}.startsWith("the dog ") && ${text("continued")}`);
};

const saveAndOpen = async () => {
  const saved = join(folder, "rnnlm.safetensors"), hash = await evaluate(text("hash"));
  rmSync(saved, { force: true });
  await click("save");
  const from = Date.now();
  while (!existsSync(saved) || statSync(saved).size === 0) {
    check(Date.now() - from < PATIENCE, "nothing was saved");
    await pause(50);
  }
  await pause(300);
  console.log(`saved: ${readFileSync(saved).length} bytes`);
  await open();
  check(await evaluate(text("hash")) !== hash, "a fresh page has the trained weights");
  await choose("model", [saved]);
  await until("opened with the same weights and place", `${text("hash")} === ${JSON.stringify(hash)}`);
  await click("train");
  const before = parseInt(hash.split("step ")[1].replace(/,/g, ""));
  await until("goes on", `${count("steps")} > ${before} && ${text("steps")}`);
  await click("train");
};

const ownText = async () => {
  await evaluate(`document.getElementById("source").value = "2"; document.getElementById("source").onchange()`);
  await click("take");
  await until("an empty text is refused", `!document.getElementById("problem").hidden`);
  const file = join(folder, "own.txt");
  writeFileSync(file, "eins zwei drei vier fünf sechs sieben\n".repeat(30));
  await choose("file", [file]);
  await until("its words", `${text("sizes")}.includes("8 different words") && ${text("sizes")}`);
  await click("train");
  await until("learned", `parseFloat(${text("perplexity")}) < 1.5 && ${text("perplexity")}`);
  await click("train");
  await evaluate(`document.getElementById("source").value = "1"; document.getElementById("source").onchange()`);
  await until("the book's sentence", `${text("sizes")}.includes("8 different words") && ${count("steps")} === 0`);
};

const events = async () => {
  await evaluate(`document.getElementById("tab-words").focus()`);
  await key("ArrowRight");
  await until("the second tab by keyboard", `!document.getElementById("events").hidden`);
  await click("watch");
  await until("events", `${count("events-seen")} >= 1500 && ${text("events-seen")}`);
  await click("inject");
  await until("found", `${text("found")} === "1 of 1"`);
  await pause(400);
  await click("watch");
  await picture("events-light", 1000, 800, "light");
  await picture("events-phone-dark", 390, 1000, "dark");
  check(await evaluate(count("false")) === 0, "a false alarm");
};

const bits = async () => {
  await key("End");
  for (const [which, name] of [[1, "E"], [0, "S"]]) {
    await click(`run-${which}`);
    await until(name, `${text("verdict")}.startsWith("${name}:") && ${text("verdict")}`);
    check(await evaluate(`${text("verdict")}.includes("the same bits")`), "other bits than the desktop's");
  }
  await picture("bits-dark", 1000, 800, "dark");
  await picture("bits-phone", 390, 900, "light");
  console.log(await evaluate(text("card")));
};

try {
  const { targetInfos } = await call("Target.getTargets");
  const { targetId } = targetInfos.find(target => target.type === "page");
  ({ sessionId } = await call("Target.attachToTarget", { targetId, flatten: true }));
  await call("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  for (const domain of ["Page", "Runtime", "Log", "DOM"]) await call(`${domain}.enable`);
  await open();
  for (const part of [words, saveAndOpen, ownText, events, bits]) await part();
  check(faults.length === 0, `on the console: ${faults.join("; ")}`);
  console.log(`the page does what it says; ${folder}`);
} catch (error) {
  console.error(String(error), faults);
  process.exitCode = 1;
} finally {
  quit();
}
