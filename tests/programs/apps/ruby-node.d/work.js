// SPDX-License-Identifier: MIT
// What JavaScript has threads, children, files and sockets for; the order of the lines is nobody's.
const { Worker } = require("worker_threads");
const fs = require("fs"), cp = require("child_process"), crypto = require("crypto"), zlib = require("zlib"), net = require("net");

let s = 0;
for (let i = 0; i < 3e6; i++) s = (s * 31 + i) | 0;
console.log(s);
fs.writeFileSync("j", "x".repeat(100000));
console.log(crypto.createHash("sha256").update(fs.readFileSync("j")).digest("hex"));
console.log(zlib.gunzipSync(zlib.gzipSync("abc".repeat(1000))).length);
console.log(cp.execSync("echo child").toString(), cp.spawnSync("sh", ["-c", "exit 5"]).status);

const worker = new Worker('require("worker_threads").parentPort.postMessage([1, 2, 3].map(x => x * x))', { eval: true });
worker.on("message", m => {
	console.log(m);
	const server = net.createServer(c => c.pipe(c)).listen("node.sock", () => {
		const c = net.connect("node.sock", () => c.end("echo me"));
		c.on("data", d => {
			console.log(d.toString());
			server.close();
		});
	});
});
setTimeout(() => console.log("timer"), 20);
process.on("exit", c => console.log("exit", c));
