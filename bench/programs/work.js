// What malloc sees of a JavaScript program: buffers, their copies, zlib and crypto, beside objects in V8's own heap.
const { createHash } = require('node:crypto');
const { deflateSync, inflateSync } = require('node:zlib');

const work = Number(process.env.TRESTLE_BENCH_WORK || 100);
let state = 1;
function random(limit) {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return (state >> 8) % limit;
}

function round() {
  const parts = [];
  for (let i = 1; i < 1500; i++) parts.push(Buffer.alloc(random(9000) + 4097, i));
  const joined = Buffer.concat(parts.filter((_, i) => i % 10 === 0));
  const packed = deflateSync(joined, { level: 1 });
  const arrays = parts.map((part) => new Uint8Array(part).slice(0, part.length >> 1));
  const text = JSON.stringify(parts.slice(0, 40).map((part) => part.toString('base64')));
  const sum = arrays.reduce((total, array) => total + array.length + array[0], 0);
  return createHash('sha256').update(inflateSync(packed)).update(text).digest('hex') + sum;
}

for (let i = 0; i < Math.max(1, (8 * work) / 100); i++) console.log(round());
