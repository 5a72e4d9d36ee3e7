/** Notes that a piece of data has arrived on the other side. */
export type Arrival = () => void;

/**
 * Counts how many times a client had to wait for a server, from what passes between them.
 *
 * What the client sends has depth 1 + the greatest depth of what had reached it before; what the server sends has the greatest depth of what had reached
 * the server before. So what is asked for at once counts once, and each question that may depend on an answer counts anew.
 */
export interface RoundTripCount {
  /** Something left the client. */
  fromClient(): Arrival;
  /** Something left the server. */
  fromServer(): Arrival;
  /** The greatest depth that has come back to the client. */
  count(): number;
  /** Starts at 0. What is under way still arrives, and counts for nothing. */
  reset(): void;
}

export function countRoundTrips(): RoundTripCount {
  let reached = { client: 0, server: 0 };
  return {
    fromClient() {
      const period = reached;
      const depth = period.client + 1;
      return () => {
        period.server = Math.max(period.server, depth);
      };
    },
    fromServer() {
      const period = reached;
      const depth = period.server;
      return () => {
        period.client = Math.max(period.client, depth);
      };
    },
    count: () => reached.client,
    reset() {
      reached = { client: 0, server: 0 };
    },
  };
}
