// The incidents' own code in this page: loaded once it is wanted, run in workers.
"use strict";

let module = null; // compiled
let manifests = null;
let loading = null;
const root = document.currentScript ? document.currentScript.src.replace(/[^/]*$/, "") : "";

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

// Called by lane.js with the module, packed, and the manifests.
globalThis.firedrillLane = async (packed, all) => {
  manifests = all;
  try {
    module = await WebAssembly.compile(await unpacked(packed));
    loading.done(module);
  } catch (error) {
    loading.failed(error);
  }
};

function load() {
  if (loading) return loading.promise;
  loading = {};
  loading.promise = new Promise((done, failed) => {
    Object.assign(loading, { done, failed });
    const script = document.createElement("script");
    script.src = root + "lane.js";
    script.onerror = () => failed(new Error("the incidents for browsers were not built with this book"));
    document.head.append(script);
  });
  return loading.promise;
}

// A worker asks a module of its own, made for each request or, with `keep`, once: from a folder, a browser allows a
// worker of text alone.
const WORK = `${openModule.toString()}
let kept = null;
onmessage = ({ data: { module, request, rest, keep } }) => {
  try {
    const ask = keep ? kept ??= openModule(module) : openModule(module);
    postMessage({ text: ask(request + "\\n" + (rest ?? "")) });
  } catch (error) {
    postMessage({ fault: String(error.message ?? error) });
  }
};`;
const workers = [];
function work(at, request, { rest, keep } = {}) {
  workers[at] ??= new Worker(URL.createObjectURL(new Blob([WORK], { type: "text/javascript" })));
  return new Promise((done, failed) => {
    workers[at].onmessage = ({ data }) => (data.fault ? failed(new Error(data.fault)) : done(data.text));
    workers[at].onerror = (error) => failed(new Error(error.message));
    workers[at].postMessage({ module, request: JSON.stringify(request), rest, keep });
  });
}

// What this browser keeps; where it keeps nothing, nothing is read.
const kept = {
  get(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
  set(key, text) {
    try { localStorage.setItem(key, text); } catch { /* kept nowhere, and shown all the same */ }
  },
  remove(key) {
    try { localStorage.removeItem(key); } catch { /* it was not kept */ }
  },
};
