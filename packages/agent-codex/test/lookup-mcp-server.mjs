// The least MCP server: one tool, `lookup`, that gives back what it was asked.
import { createInterface } from 'node:readline';

const tools = [
  { name: 'lookup', description: 'Looks things up.', inputSchema: { type: 'object', properties: {} } },
];

function resultOf({ method, params }) {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'lookup', version: '0.0.0' },
      };
    case 'tools/list':
      return { tools };
    case 'tools/call':
      return { content: [{ type: 'text', text: `found ${JSON.stringify(params.arguments)}` }] };
    default:
      return {};
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.id === undefined) continue;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: resultOf(message) })}\n`);
}
