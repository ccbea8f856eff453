// Pull what a channel serves, and verify it, by the release format (infra/release_format.md) alone.
//
//   secateur export s3://models/short_video --publish
//   node pull.mjs STORE/short_video_portable latest FOLDER
//   node score.mjs FOLDER/model.onnx FOLDER/golden.json
//
// STORE is a folder, or an http(s) URL that answers GET. SECATEUR_VERIFY_KEY holds the publishers'
// public keys, separated by commas. The epoch of the pointer is kept in FOLDER/epoch, so that an
// older pointer is refused later. Whatever is wrong ends in an error, and leaves FOLDER as it was.

import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const POINTER_BYTES = 64 * 1024;
const MANIFEST_BYTES = 4 * 1024 * 1024;
const ED25519_PREFIX = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410

function publicKeys(text) {
  const keys = text.split(",").filter(Boolean).map((key) => Buffer.from(key.trim(), "base64"));
  if (!keys.length) throw new Error("set SECATEUR_VERIFY_KEY to the publisher's public key");
  return keys.map((raw) =>
    createPublicKey({ key: Buffer.concat([ED25519_PREFIX, raw]), format: "der", type: "spki" }),
  );
}

function demandSigned(keys, data, signature, what) {
  const raw = Buffer.from(signature, "base64");
  if (!keys.some((key) => verify(null, data, key, raw))) {
    throw new Error(`${what} is not signed by any of the ${keys.length} keys`);
  }
}

async function read(store, key, limit) {
  let data;
  if (/^https?:/.test(store)) {
    const response = await fetch(`${store}/${key}`, { redirect: "error" });
    if (!response.ok) throw new Error(`${store}/${key}: ${response.status}`);
    data = await bodyOf(response, limit, key);
  } else {
    data = await readFile(join(store, key));
  }
  if (data.length > limit) throw new Error(`${key} has more than ${limit} bytes`);
  return data;
}

async function bodyOf(response, limit, key) {
  const parts = [];
  let size = 0;
  for await (const part of response.body) {
    size += part.length;
    if (size > limit) throw new Error(`${key} has more than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

// Signed is the pointer's canonical JSON: no spaces, ASCII, keys in their order, which the stored
// text has. It is made of that text, and not of parsed values: JavaScript prints 168.0 as 168.
function canonical(text) {
  const compact = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return compact.replace(/[^\x00-\x7f]/g, escape);
}

function readPointer(keys, data) {
  const text = canonical(data.toString());
  const match = /^\{"pointer":(\{.*\}),"signature":"([A-Za-z0-9+/=]+)"\}$/.exec(text);
  if (!match) throw new Error("the pointer is no signed pointer");
  demandSigned(keys, Buffer.from(match[1]), match[2], "the pointer");
  return JSON.parse(match[1]);
}

function demandFresh(pointer) {
  if (!pointer.valid_hours || !pointer.renewed_at) return;
  const until = Date.parse(pointer.renewed_at) + pointer.valid_hours * 3_600_000;
  if (Date.now() > until) throw new Error("the channel has expired: is the store frozen?");
}

async function lastEpoch(folder) {
  try {
    return Number(await readFile(join(folder, "epoch"), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return 0;
    throw error;
  }
}

export async function pull(store, channel, folder, keyText) {
  const keys = publicKeys(keyText);
  const scenario = store.replace(/\/+$/, "").split("/").at(-1);
  const pointer = readPointer(keys, await read(store, `channels/${channel}.json`, POINTER_BYTES));
  if (pointer.scenario !== scenario || pointer.channel !== channel) {
    throw new Error("the pointer is signed for another channel");
  }
  if (pointer.epoch < (await lastEpoch(folder))) throw new Error("an old pointer was replayed");
  demandFresh(pointer);
  const place = `releases/${pointer.release}`;
  const data = await read(store, `${place}/manifest.json`, MANIFEST_BYTES);
  const signature = await read(store, `${place}/manifest.sig`, 1024);
  demandSigned(keys, data, signature.toString().trim(), "the manifest");
  const digest = createHash("sha256").update(data).digest("hex");
  if (digest !== pointer.manifest_sha256) throw new Error("the manifest is not the pointer's");
  const manifest = JSON.parse(data);
  if (![1, 2].includes(manifest.format)) throw new Error("the manifest is of a later format");
  if (manifest.scenario !== scenario || manifest.number !== pointer.release) {
    throw new Error("the manifest is another release's");
  }
  await copyFiles(store, manifest, folder, pointer.epoch);
  return manifest;
}

async function blob(store, { sha256, bytes }, path) {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`${path} has no sha256`);
  const data = await read(store, `blobs/sha256/${sha256}`, bytes);
  demandNamed(data, { sha256, bytes }, path);
  return data;
}

function demandNamed(data, { sha256, bytes }, path) {
  const found = createHash("sha256").update(data).digest("hex");
  if (found !== sha256 || data.length !== bytes) throw new Error(`${path} has other bytes`);
}

async function copyFiles(store, manifest, folder, epoch) {
  await mkdir(dirname(folder), { recursive: true });
  const unfinished = await mkdtemp(`${folder}.tmp-`);
  try {
    for (const { path, sha256, bytes, chunks } of manifest.files) {
      if (!/^[A-Za-z0-9][\w.-]*$/.test(path)) {
        throw new Error(`${path} is no file of a portable model`);
      }
      // A large file lies in chunks, which make it one after the other.
      const parts = [];
      for (const chunk of chunks ?? [{ sha256, bytes }]) {
        parts.push(await blob(store, chunk, path));
      }
      const data = Buffer.concat(parts);
      demandNamed(data, { sha256, bytes }, path);
      await writeFile(join(unfinished, path), data);
    }
    await writeFile(join(unfinished, "epoch"), String(epoch));
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [store, channel, folder] = process.argv.slice(2);
  try {
    const manifest = await pull(store, channel, folder, process.env.SECATEUR_VERIFY_KEY ?? "");
    console.log(JSON.stringify({ release: manifest.number, recipe: manifest.recipe, folder }));
  } catch (error) {
    console.error(`pull: ${error.message}`);
    process.exitCode = 1;
  }
}
