import { type Attributes, type Span, SpanStatusCode, trace } from '@opentelemetry/api';

/** Runs `work` in a span of the caller's OpenTelemetry, which does nothing where none is set up. No attribute holds text of a person or agent. */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return await trace.getTracer('@seedbed/agent-codex').startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
      throw error;
    } finally {
      span.end();
    }
  });
}
