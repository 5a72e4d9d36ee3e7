import { z } from 'zod';
import type { ServerRequestHandler } from './server-request.ts';

/** Tools that the client itself would run. This client offers none, and says so to the model in words that it can act on. */
export const dynamicTool: ServerRequestHandler = {
  method: 'item/tool/call',
  async answer(params) {
    const parsed = z.looseObject({ tool: z.string() }).safeParse(params);
    const tool = parsed.success ? ` "${parsed.data.tool.slice(0, 100)}"` : '';
    return {
      contentItems: [
        { type: 'inputText', text: `The tool${tool} is not available in this session. Go on without it.` },
      ],
      success: false,
    };
  },
};
