// The WebSocket client of the TypeScript SDK 1.x against a server of ours: `ws_client.mjs PACKAGES URL`. Prints one line of JSON.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , packages, url] = process.argv;
const require = createRequire(pathToFileURL(`${packages}/`));
const load = (path) => import(pathToFileURL(require.resolve(path)));
const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
const { WebSocketClientTransport } = await load("@modelcontextprotocol/sdk/client/websocket.js");

const client = new Client({ name: "live-ts", version: "1.0.0" }, { capabilities: {} });
await client.connect(new WebSocketClientTransport(new URL(url)));
const { tools } = await client.listTools();
const echoed = await client.callTool({ name: "echo", arguments: { message: "from TypeScript" } });
const steps = [];
const slow = await client.callTool({ name: "slow", arguments: { steps: 3, ms: 40 } }, undefined, {
  onprogress: ({ progress }) => steps.push(progress),
});
const failed = await client.callTool({ name: "fail", arguments: {} });
await client.close();
console.log(JSON.stringify({ tools: tools.length, echoed: echoed.content[0].text, slow: slow.content[0].text, steps, failed: failed.isError }));
