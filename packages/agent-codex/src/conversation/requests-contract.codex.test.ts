import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLocalHost } from '@seedbed/host/local';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { codexBinary, type SupportedVersion, supportedVersions } from '../../test/codex-binaries.ts';
import { openScriptedTask } from '../../test/scripted-task.ts';
import { recordWire } from '../../test/wire-recorder.ts';

/** A check of one request against the schema that the binary itself writes. */
async function requestChecks(
  version: SupportedVersion,
): Promise<ReadonlyMap<string, (request: unknown) => string>> {
  const folder = await mkdtemp('/var/tmp/seedbed-schema-');
  try {
    const env = { PATH: '/usr/bin:/bin', HOME: folder, CODEX_HOME: folder };
    await promisify(execFile)(
      await codexBinary(version),
      ['app-server', 'generate-json-schema', '--out', folder, '--experimental'],
      { env },
    );
    const { oneOf, definitions } = JSON.parse(await readFile(join(folder, 'ClientRequest.json'), 'utf8'));
    return new Map(
      oneOf.map((schema: { properties: { method: { enum: [string] } } }) => {
        const strict = closed({ ...schema, definitions });
        const validate = new Ajv({ strict: false, validateFormats: false }).compile(strict);
        return [
          schema.properties.method.enum[0],
          (request: unknown) => (validate(request) ? '' : JSON.stringify(validate.errors)),
        ];
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The parameters' own schema, closed: Codex drops a member that it does not know, so that a misspelt one would do nothing. */
function closed(schema: Record<string, unknown>): Record<string, unknown> {
  const { properties, definitions } = schema as {
    properties: { params?: { $ref?: string } };
    definitions: Record<string, Record<string, unknown>>;
  };
  const name = properties.params?.$ref?.split('/').at(-1);
  if (name === undefined) return schema;
  return {
    ...schema,
    definitions: { ...definitions, [name]: { ...definitions[name], additionalProperties: false } },
  };
}

describe.each(supportedVersions)('every request that we send to Codex %s', (version) => {
  it('has the shape that its schema wants, and no member that it does not know', {
    timeout: 120_000,
  }, async () => {
    const wire = recordWire(createLocalHost());
    await using task = await openScriptedTask({
      version,
      host: wire.host,
      effort: 'low',
      instructions: 'Be brief.',
      story: { replies: [], otherwise: [{ type: 'say', text: 'Hello.' }] },
    });
    const { conversation } = task;
    const { turnId } = await conversation.run('Hi', { outputSchema: { type: 'object' } });
    await conversation.receive({ source: 'ci', trust: 'application', text: 'green' });
    const ops = [
      { type: 'interrupt' },
      { type: 'end-background' },
      { type: 'set-controls', controls: { effort: 'high' } },
      { type: 'rename', name: 'A name' },
      { type: 'fork' },
      { type: 'rewind', beforeTurnId: turnId },
    ] as const;
    for (const [index, op] of ops.entries()) await conversation.submit({ id: `op-${index}`, op });
    for (const op of [
      { type: 'compact' },
      { type: 'review', target: { type: 'uncommitted-changes' } },
    ] as const) {
      const started = await conversation.submit({ id: op.type, op });
      if (started.type === 'turn') await started.turn.result;
    }
    await conversation.pursue({ objective: 'x', tokenBudget: 150 });
    await conversation.submit({ id: 'clear', op: { type: 'clear-goal' } });
    await conversation.threads({ limit: 1 });
    await conversation.readThread(conversation.threadId);
    await conversation.models();
    await conversation.submit({ id: 'archive', op: { type: 'archive' } });
    await conversation.end();

    const checks = await requestChecks(version);
    const requests = wire.sent
      .map((line) => JSON.parse(line))
      .filter((one) => one.method !== undefined && one.id !== undefined);
    const wrong = requests.flatMap((request) => {
      const complaint = checks.get(request.method)?.(request) ?? 'is not declared';
      return complaint === '' ? [] : [`${request.method}: ${complaint}`];
    });
    expect(wrong).toEqual([]);
    expect(new Set(requests.map((one) => one.method)).size).toBeGreaterThan(15);
  });
});
