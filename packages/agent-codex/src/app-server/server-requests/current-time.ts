import type { ServerRequestHandler } from './server-request.ts';

/** Asked by 0.169 of clients that keep the time for it; the answer is in whole seconds. */
export const currentTime: ServerRequestHandler = {
  method: 'currentTime/read',
  async answer(_params, desk) {
    return { currentTimeAt: Math.floor(desk.now() / 1000) };
  },
};
