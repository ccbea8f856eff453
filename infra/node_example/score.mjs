// Score with a released model from Node, by ONNX Runtime alone.
//
//   secateur export s3://models/short_video --onnx model.onnx --golden golden.json
//   npm install
//   node score.mjs model.onnx golden.json
//
// It scores the golden rows, compares them with the client's scores, and exits 1 where any differs
// by more than 1e-6. With the secret SECATEUR_ID_KEY, `keyedHash` makes a user's input of a raw id.

import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import ort from "onnxruntime-node";

const TOLERANCE = 1e-6;

// A user id is the first 16 hex digits of its HMAC-SHA256, as a number of 64 bits; 0 is missing.
export function keyedHash(key, id) {
  const digits = createHmac("sha256", key).update(String(id)).digest("hex").slice(0, 16);
  return BigInt(`0x${digits}`);
}

// Values as `golden.json` has them, and as a service has its own: null is a missing number.
export function tensor({ type, dims, data }) {
  const numbers = () => data.map((value) => (value === null ? NaN : value));
  switch (type) {
    case "string":
      return new ort.Tensor("string", data, dims);
    case "uint64":
      return new ort.Tensor("uint64", BigUint64Array.from(data, BigInt), dims);
    case "float64":
      return new ort.Tensor("float64", Float64Array.from(numbers()), dims);
    case "float32":
      return new ort.Tensor("float32", Float32Array.from(numbers()), dims);
    default:
      throw new Error(`no tensors of ${type}`);
  }
}

export async function load(path) {
  return ort.InferenceSession.create(path, { logSeverityLevel: 3 });
}

export async function score(session, inputs) {
  const feed = Object.entries(inputs).map(([name, input]) => [name, tensor(input)]);
  const found = await session.run(Object.fromEntries(feed));
  return Object.fromEntries(Object.entries(found).map(([name, one]) => [name, [...one.data]]));
}

async function main([modelPath, goldenPath]) {
  const session = await load(modelPath);
  const golden = JSON.parse(await readFile(goldenPath, "utf8"));
  const found = await score(session, golden.inputs);
  let rows = 0;
  let largest = 0;
  for (const [name, expected] of Object.entries(golden.outputs)) {
    expected.forEach((one, row) => {
      largest = Math.max(largest, Math.abs(one - found[name][row]));
    });
    rows = expected.length;
  }
  console.log(JSON.stringify({ rows, outputs: Object.keys(golden.outputs), largest }));
  return largest <= TOLERANCE ? 0 : 1;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  process.exitCode = await main(process.argv.slice(2));
}
