"use strict";
// The program and the scripts are packed (gzip, then base64), or the page would be twice as long.
const unpack = id => {
  const raw = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), c => c.charCodeAt(0));
  return new Response(new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip")));
};
(async () => {
  try {
    const worker = document.getElementById("worker");
    worker.textContent = await unpack("worker").text();
    const script = document.createElement("script");
    script.textContent = await unpack("main").text();
    document.body.append(script);
  } catch (error) {
    const place = document.getElementById("problem");
    place.hidden = false;
    place.textContent = "this browser can't run the page: " + error;
  }
})();
