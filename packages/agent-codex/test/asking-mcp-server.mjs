// A tool server (MCP over stdio) whose one tool asks the person through its client before it answers.
import { createInterface } from 'node:readline';

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
let pendingCall;

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params, result } = JSON.parse(line);
  if (method === 'initialize') {
    const { protocolVersion } = params;
    send({
      id,
      result: { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'asking', version: '1' } },
    });
  } else if (method === 'tools/list') {
    const inputSchema = { type: 'object', properties: {} };
    const annotations = { readOnlyHint: true, destructiveHint: false, openWorldHint: false };
    send({
      id,
      result: {
        tools: [{ name: 'ask_colour', description: 'Asks for a colour.', inputSchema, annotations }],
      },
    });
  } else if (method === 'tools/call') {
    pendingCall = id;
    const requestedSchema = {
      type: 'object',
      properties: { colour: { type: 'string' } },
      required: ['colour'],
    };
    send({
      id: 'elicit-1',
      method: 'elicitation/create',
      params: { message: 'Which colour?', requestedSchema },
    });
  } else if (id === 'elicit-1') {
    send({
      id: pendingCall,
      result: { content: [{ type: 'text', text: `ELICITED ${JSON.stringify(result)}` }] },
    });
  } else if (id !== undefined && method !== undefined) {
    send({ id, error: { code: -32601, message: 'unknown' } });
  }
}
