// A WASI host of the least size: node wasi.mjs MODULE ARGUMENTS…, standard input and output passed on.
// Time stands still and chance is fixed, so that a run repeats.
import { readFileSync, writeSync } from "node:fs";

const [file, ...rest] = process.argv.slice(2);
const strings = ["lane", ...rest].map((text) => Buffer.from(text + "\0"));
const input = readFileSync(0);
let [read, memory] = [0, null];
const view = () => new DataView(memory.buffer);
const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);
const vectors = (at, count) =>
  Array.from({ length: count }, (_, i) =>
    bytes(view().getUint32(at + 8 * i, true), view().getUint32(at + 8 * i + 4, true)));

const host = {
  args_sizes_get(count, size) {
    view().setUint32(count, strings.length, true);
    view().setUint32(size, strings.reduce((sum, text) => sum + text.length, 0), true);
    return 0;
  },
  args_get(pointers, at) {
    for (const [i, text] of strings.entries()) {
      view().setUint32(pointers + 4 * i, at, true);
      bytes(at, text.length).set(text);
      at += text.length;
    }
    return 0;
  },
  environ_sizes_get(count, size) {
    view().setUint32(count, 0, true);
    view().setUint32(size, 0, true);
    return 0;
  },
  environ_get: () => 0,
  random_get(at, length) {
    bytes(at, length).fill(7);
    return 0;
  },
  clock_time_get(_clock, _precision, at) {
    view().setBigUint64(at, 0n, true);
    return 0;
  },
  fd_read(_descriptor, at, count, done) {
    const before = read;
    for (const into of vectors(at, count)) {
      const part = input.subarray(read, read + into.length);
      into.set(part);
      read += part.length;
    }
    view().setUint32(done, read - before, true);
    return 0;
  },
  fd_write(descriptor, at, count, done) {
    let written = 0;
    for (const part of vectors(at, count)) {
      for (let from = 0; from < part.length; ) from += writeSync(descriptor, part, from);
      written += part.length;
    }
    view().setUint32(done, written, true);
    return 0;
  },
  proc_exit(code) {
    process.exit(code);
  },
};
// Whatever else a module asks for is not there.
const imports = new Proxy(host, { get: (known, name) => known[name] ?? (() => 52) });
const module = await WebAssembly.compile(readFileSync(file));
const wanted = Object.fromEntries(
  WebAssembly.Module.imports(module).map(({ name }) => [name, imports[name]]));
const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wanted });
memory = instance.exports.memory;
instance.exports._start();
