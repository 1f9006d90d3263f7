// Worker threads that make and hand over buffers, timers that never fire, zlib, crypto and JSON.
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { createHash } = require('node:crypto');
const { deflateSync, inflateSync } = require('node:zlib');

function work(seed) {
  const parts = [];
  for (let i = 1; i < 300; i++) parts.push(Buffer.alloc((i * seed * 37) % 20000, i));
  const packed = deflateSync(Buffer.concat(parts));
  const text = JSON.stringify(parts.slice(0, 20).map((part) => part.toString('base64')));
  return createHash('sha256').update(inflateSync(packed)).update(text).digest();
}

if (isMainThread) {
  const answers = [];
  let running = 4;
  for (let seed = 1; seed <= 4; seed++) {
    const worker = new Worker(__filename, { workerData: seed });
    worker.on('message', ({ from, digest, buffer }) => {
      answers[from] = `${from} ${Buffer.from(digest).toString('hex')} ${buffer.byteLength}`;
    });
    worker.on('error', (error) => { throw error; });
    worker.on('exit', (code) => {
      if (code !== 0) throw new Error(`worker ended with ${code}`);
      if (--running === 0) console.log(answers.filter(Boolean).join('\n'));
    });
  }
  console.log(work(9).toString('hex'));
} else {
  const buffer = new ArrayBuffer(1 << 20);
  for (let round = 0; round < 5; round++) work(workerData + round);
  parentPort.postMessage({ from: workerData, digest: work(workerData), buffer }, [buffer]);
}
