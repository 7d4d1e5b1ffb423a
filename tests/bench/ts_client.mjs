// The TypeScript SDK's client as a worker: `ts_client.mjs PACKAGES stdio COMMAND ARGS… | http URL`. Orders and answers are lines of JSON.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [, , packages, transport, ...rest] = process.argv;
const require = createRequire(pathToFileURL(`${packages}/`));
const load = (path) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/client/${path}.js`)));
const { Client } = await load("index");

const client = new Client({ name: "bench-ts", version: "1.0.0" }, { capabilities: {} });
if (transport === "stdio") {
  const { StdioClientTransport } = await load("stdio");
  await client.connect(new StdioClientTransport({ command: rest[0], args: rest.slice(1) }));
} else {
  const { StreamableHTTPClientTransport } = await load("streamableHttp");
  await client.connect(new StreamableHTTPClientTransport(new URL(rest[0])));
}

const call = async () => {
  const result = await client.callTool({ name: "echo", arguments: { message: "hello world" } });
  if (result.content[0].text !== "hello world") throw new Error(`unexpected: ${JSON.stringify(result)}`);
};

const run = async ({ calls, callers }) => {
  const took = [];
  const cpuBefore = process.cpuUsage();
  const began = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let nth = 0; nth < calls / callers; nth += 1) {
        const from = process.hrtime.bigint();
        await call();
        took.push(Number(process.hrtime.bigint() - from) / 1000);
      }
    }),
  );
  const elapsed = Number(process.hrtime.bigint() - began) / 1e9;
  // What a client puts off is counted too.
  await new Promise((done) => setTimeout(done, 100));
  const cpu = process.cpuUsage(cpuBefore);
  took.sort((a, b) => a - b);
  return {
    perSecond: took.length / elapsed,
    p50: took[Math.floor(took.length / 2)],
    p99: took[Math.floor(took.length * 0.99)],
    cpu: (cpu.user + cpu.system) / took.length,
    rss: process.memoryUsage().rss / 1024,
  };
};

console.log(JSON.stringify({ done: "ready" }));
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  console.log(JSON.stringify({ lap: await run(order.run) }));
}
await client.close();
process.exit(0);
