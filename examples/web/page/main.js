"use strict";
const by = id => document.getElementById(id);
const code = new Blob([by("worker").textContent], { type: "text/javascript" });
const worker = new Worker(URL.createObjectURL(code));
const send = (what, more = {}) => worker.postMessage({ do: what, ...more });
const number = x => x.toLocaleString("en", { maximumFractionDigits: x < 10 ? 2 : x < 100 ? 1 : 0 });
const show = (id, text) => { if (by(id).textContent !== text) by(id).textContent = text; };
const problem = message => { by("problem").hidden = !message; show("problem", message || ""); };

// Tabs: arrow keys, Home and End go from one to the other.
const tabs = [...document.querySelectorAll("[role=tab]")];
const select = tab => {
  for (const other of tabs) {
    const on = other === tab;
    other.setAttribute("aria-selected", on);
    other.tabIndex = on ? 0 : -1;
    by(other.getAttribute("aria-controls")).hidden = !on;
  }
  draw();
};
tabs.forEach((tab, i) => {
  tab.onclick = () => select(tab);
  tab.onkeydown = event => {
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const other = tabs[(to + tabs.length) % tabs.length];
    other.focus();
    select(other);
  };
});

// A canvas in device pixels, its context and sizes in CSS pixels, and the colours of the page.
const prepare = canvas => {
  const { clientWidth: width, clientHeight: height } = canvas, scale = devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const g = canvas.getContext("2d"), style = getComputedStyle(document.body);
  g.scale(scale, scale);
  g.font = "12px system-ui, sans-serif";
  return { g, width, height, color: name => style.getPropertyValue("--" + name) };
};
const nice = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

let curve = [], total = 0;
const drawCurve = () => {
  const { g, width, height, color } = prepare(by("curve"));
  const left = 44, right = width - 10, top = 12, bottom = height - 24;
  const losses = curve.map(point => point.loss);
  const low = Math.min(Math.log(2), ...losses), high = Math.max(Math.log(500), ...losses);
  const y = loss => bottom - (loss - low) / (high - low) * (bottom - top);
  const x = step => left + step / Math.max(total, 1) * (right - left);
  g.fillStyle = color("soft");
  g.strokeStyle = color("line");
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (const value of nice) {
    const at = y(Math.log(value));
    if (at < top || at > bottom) continue;
    g.beginPath();
    g.moveTo(left, at);
    g.lineTo(right, at);
    g.stroke();
    g.fillText(value, left - 6, at);
  }
  g.textBaseline = "alphabetic";
  g.fillText(number(total) + " steps", right, height - 7);
  g.textAlign = "left";
  g.fillText("perplexity", left, height - 7);
  g.strokeStyle = color("blue");
  g.lineWidth = 2;
  g.lineJoin = "round";
  g.beginPath();
  // a mean over neighbours: a step alone says little
  let mean = losses[0];
  curve.forEach((point, i) => {
    mean += (point.loss - mean) * Math.max(.08, 1 / (i + 1));
    g.lineTo(x(point.step), y(mean));
  });
  g.stroke();
};

const NAMES = ["start", "clamp", "pump fast", "pump slow", "valve open", "fill", "level low", "level high",
  "valve shut", "rinse", "label", "label again"];
// What is marked so many events after a strange one is its fault.
const AFTER = 8;
let seen = [], eventCount = 0, faults = 0, found = 0, falseAlarms = 0, lastStrange = -Infinity, isFound = false;
const drawEvents = () => {
  const { g, width, height, color } = prepare(by("surprise"));
  const left = 30, right = width - 8, top = 10, bottom = height - 22, most = 240, high = 10;
  const wide = (right - left) / most;
  const y = nats => bottom - Math.min(nats, high) / high * (bottom - top);
  const x = i => right - (seen.length - i) * wide;
  g.fillStyle = color("soft");
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (const value of [0, 5, 10]) g.fillText(value, left - 6, y(value));
  g.textAlign = "left";
  g.textBaseline = "alphabetic";
  g.fillText("surprise in nats, event by event", left, height - 6);
  seen.forEach((event, i) => {
    if (event.strange) {
      g.fillStyle = color("shade");
      g.fillRect(x(i), top, wide, bottom - top);
    }
    g.fillStyle = color(event.marked ? "red" : "blue");
    g.fillRect(x(i), y(event.surprise) - 1, Math.max(1.5, wide * .8), bottom - y(event.surprise) + 1);
    if (event.marked) {
      g.beginPath();
      g.arc(x(i) + wide / 2, top + 4, 3.5, 0, 7);
      g.fill();
    }
  });
  g.strokeStyle = color("amber");
  g.lineWidth = 1.5;
  g.setLineDash([5, 4]);
  g.beginPath();
  seen.forEach((event, i) => g.lineTo(x(i), y(event.threshold)));
  g.stroke();
};
const draw = () => {
  if (!by("words").hidden) drawCurve();
  if (!by("events").hidden) drawEvents();
};
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

const bars = next => {
  const list = by("next");
  while (list.children.length < next.length) {
    const item = document.createElement("li");
    item.append(document.createElement("span"), document.createElement("span"));
    list.append(item);
  }
  while (list.children.length > next.length) list.lastChild.remove();
  next.forEach(([word, share], i) => {
    const item = list.children[i];
    item.children[0].textContent = word === "<eos>" ? "(end of the line)" : word;
    item.children[1].textContent = (share * 100).toFixed(1) + " %";
    item.style.setProperty("--share", share * 100 + "%");
  });
};

const pressed = (id, on, yes, no) => {
  by(id).setAttribute("aria-pressed", on);
  show(id, on ? yes : no);
};
const results = {};
const card = () => {
  const lines = Object.values(results).map(run =>
    `${run.name}: ${run.steps} steps, ${run.hash} ${run.same ? "the same bits" : "OTHER BITS"}, ` +
    `${number(run.speed)} steps/s`);
  show("card", ["rnnlm in WebAssembly", navigator.userAgent, ...lines].join("\n"));
};

const did = {
  loaded() {
    for (const button of document.querySelectorAll("button")) button.disabled = false;
    document.body.dataset.ready = Math.round(performance.now());
  },
  problem({ message }) { problem(message); pressed("train", false, "Pause", "Train"); },
  trained({ facts, curve: points, next, hash, speed, training }) {
    curve = points;
    total = facts.steps;
    const last = points.slice(-20), mean = last.reduce((sum, point) => sum + point.loss, 0) / last.length;
    const perplexity = last.length ? number(Math.exp(mean)) : "–";
    show("steps", number(facts.steps));
    show("epochs", facts.perEpoch ? (facts.steps / facts.perEpoch).toFixed(1) : "0");
    show("perplexity", perplexity);
    show("speed", speed ? number(speed) : "–");
    show("hash", `${hash} after step ${number(facts.steps)}`);
    show("sizes", `${number(facts.tokens)} tokens, ${number(facts.v)} different words, ` +
      `${number(facts.parameters)} parameters: V=${facts.v} D=${facts.d} H=${facts.h} N=${facts.n} T=${facts.t}.`);
    by("curve").setAttribute("aria-label", `Perplexity over ${number(facts.steps)} steps: now ${perplexity}`);
    pressed("train", training, "Pause", "Train");
    bars(next);
    if (!by("words").hidden) drawCurve();
  },
  next({ next }) { bars(next); },
  continued({ text }) { show("continued", by("prompt").value.trim() + " " + text); },
  saved({ file }) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file]));
    link.download = "rnnlm.safetensors";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  },
  opened() { problem(""); },
  events({ seen: more }) {
    for (const event of more) {
      event.marked = event.surprise > event.threshold;
      eventCount += 1;
      if (event.strange) {
        // those that follow one another are one fault
        if (eventCount - lastStrange > AFTER) [faults, isFound] = [faults + 1, false];
        lastStrange = eventCount;
      }
      const isFault = eventCount - lastStrange <= AFTER;
      if (event.marked && !isFault) falseAlarms += 1;
      if (event.marked && isFault && !isFound) {
        [found, isFound] = [found + 1, true];
        show("event-said", `event ${number(eventCount)}: "${NAMES[event.kind]}" was not expected here`);
      }
      seen.push(event);
    }
    seen = seen.slice(-240);
    show("events-seen", number(eventCount));
    show("event-now", NAMES[seen[seen.length - 1].kind]);
    show("found", `${found} of ${faults}`);
    show("false", number(falseAlarms));
    const high = Math.max(...seen.map(event => event.surprise)).toFixed(1);
    by("surprise").setAttribute("aria-label",
      `Surprise over the last ${seen.length} events, at most ${high} nats; ${found} of ${faults} faults found`);
    if (!by("events").hidden) drawEvents();
  },
  ran(run) {
    const name = run.which ? "E" : "S";
    let box = by("run-box-" + run.which);
    if (!box) {
      box = document.createElement("div");
      box.id = "run-box-" + run.which;
      box.className = "run";
      by("runs").append(box);
    }
    const verdict = !run.ended ? `${number(run.done)} of ${number(run.steps)} steps` :
      run.hash === run.desktop ? `the same bits after ${number(run.steps)} steps` : "OTHER BITS";
    box.innerHTML = `<b></b>desktop <code>${run.desktop}</code><br>here <code>${run.ended ? run.hash : "…"}</code>`;
    box.firstChild.textContent = `${name}: ${verdict}, ${number(run.speed)} steps/s`;
    if (!run.ended) return;
    show("verdict", `${name}: ${verdict}`);
    results[run.which] = { ...run, name, same: run.hash === run.desktop };
    card();
    by("run-0").disabled = by("run-1").disabled = false;
  },
};
worker.onmessage = ({ data }) => did[data.did](data);
worker.onerror = event => problem("this browser can't run the page: " + event.message);

const toggles = (id, message) => {
  by(id).onclick = () => {
    problem("");
    const on = by(id).getAttribute("aria-pressed") !== "true";
    send(message, { on });
    pressed(id, on, "Pause", id === "train" ? "Train" : "Watch");
  };
};
toggles("train", "train");
toggles("watch", "watch");
const restart = () => {
  problem("");
  send("train", { on: false });
  const which = Number(by("source").value);
  if (which === 2 && !by("text").value.trim()) return problem("paste a text first, or drop a file on the field");
  by("prompt").value = which === 1 ? "you say" : which === 2 ? by("text").value.trim().split(/\s+/)[0] : "the";
  send("prompt", { text: by("prompt").value });
  send("start", { which, text: by("text").value });
  show("continued", "");
};
by("source").onchange = () => {
  by("own").hidden = by("source").value !== "2";
  if (by("source").value !== "2") restart();
};
by("again").onclick = by("take").onclick = restart;
by("prompt").oninput = () => send("prompt", { text: by("prompt").value });
by("prompt").onkeydown = event => { if (event.key === "Enter") by("go-on").click(); };
by("go-on").onclick = () => send("goOn", { text: by("prompt").value });
by("save").onclick = () => send("save");
const take = async file => {
  if (!file) return;
  if (file.name.endsWith(".safetensors")) {
    send("train", { on: false });
    return send("open", { file: new Uint8Array(await file.arrayBuffer()) });
  }
  by("source").value = "2";
  by("own").hidden = false;
  by("text").value = await file.text();
  restart();
};
for (const id of ["file", "model"]) {
  by(id).onchange = () => { take(by(id).files[0]); by(id).value = ""; };
}
addEventListener("dragover", event => { event.preventDefault(); by("own").classList.add("over"); });
addEventListener("dragleave", () => by("own").classList.remove("over"));
addEventListener("drop", event => {
  event.preventDefault();
  by("own").classList.remove("over");
  take(event.dataTransfer.files[0]);
});
by("inject").onclick = () => {
  if (by("watch").getAttribute("aria-pressed") !== "true") by("watch").click();
  send("inject");
};
for (const which of [0, 1]) {
  by("run-" + which).onclick = () => {
    by("run-0").disabled = by("run-1").disabled = true;
    send("run", { which });
  };
}
by("copy").onclick = async () => {
  try {
    await navigator.clipboard.writeText(by("card").textContent);
    show("copy", "Copied");
  } catch {
    getSelection().selectAllChildren(by("card"));
  }
};
for (const button of document.querySelectorAll("main button")) button.disabled = true;
unpack("wasm").arrayBuffer().then(program => send("load", { program }), error => problem(String(error)));
draw();
