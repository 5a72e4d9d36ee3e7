import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { QuestionAnswer } from '@seedbed/conversation-protocol';
import { Ajv, type ValidateFunction } from 'ajv';
import { generateSync } from 'json-schema-faker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, supportedVersions } from '../../test/codex-binaries.ts';
import { codexTraits } from '../codex-version.ts';
import { mapNotification, mappedNotifications } from './notification-mapping.ts';
import { answeredServerRequests, answerServerRequest } from './server-requests/answer-server-request.ts';
import type { ServerRequestDesk } from './server-requests/server-request.ts';

type Schema = Record<string, unknown> & { readonly definitions: Record<string, unknown> };

interface MethodSchema {
  readonly method: string;
  readonly schema: Schema;
}

/** Values are drawn at random, yet the same ones in every run. */
const samples = 100;

/** Item types that we pass on as `other`: they belong to faces of Codex that a conversation does not show. */
const unmappedItems = ['collabAgentToolCall', 'hookPrompt', 'sleep', 'subAgentActivity'];

/** What 0.169.0 reports that 0.142.5 does not. Whoever adds a version writes down here what it brought. */
const addedNotifications = [
  'account/gatewayOAuth/changed',
  'autoApprovalReview/strictReviewRequired',
  'mcpServer/event/stream/notification',
  'modelProvider/authRecoveryCompleted',
  'modelProvider/authRecoveryStarted',
  'project/changed',
  'thread/attachment/updated',
  'thread/environment/connected',
  'thread/environment/disconnected',
  'thread/prediction/updated',
  'thread/project/updated',
  'thread/queue/changed',
  'thread/readState/changed',
  'thread/realtime/item/completed',
  'thread/realtime/item/started',
  'thread/realtime/item/transcript/delta',
  'thread/reverted',
  'thread/section/changed',
];

/** What each version asks of its client, and we have an answer of our own for. */
const requestsAsked = [
  'account/chatgptAuthTokens/refresh',
  'applyPatchApproval',
  'attestation/generate',
  'currentTime/read',
  'execCommandApproval',
  'item/commandExecution/requestApproval',
  'item/fileChange/requestApproval',
  'item/permissions/requestApproval',
  'item/tool/call',
  'item/tool/requestUserInput',
  'mcpServer/elicitation/request',
];

async function generateSchemas(version: (typeof supportedVersions)[number], folder: string): Promise<void> {
  const binary = await codexBinary(version);
  const env = { PATH: '/usr/bin:/bin', HOME: folder, CODEX_HOME: folder };
  await promisify(execFile)(
    binary,
    ['app-server', 'generate-json-schema', '--out', folder, '--experimental'],
    { env },
  );
}

async function methods(
  folder: string,
  name: 'ServerNotification' | 'ServerRequest',
): Promise<readonly MethodSchema[]> {
  const text = await readFile(join(folder, `${name}.json`), 'utf8');
  const { oneOf, definitions } = JSON.parse(text) as {
    readonly oneOf: readonly {
      readonly properties: { readonly method: { readonly enum: readonly string[] } };
    }[];
    readonly definitions: Record<string, unknown>;
  };
  return oneOf.map((schema) => ({
    method: schema.properties.method.enum[0] ?? '',
    schema: { ...schema, definitions },
  }));
}

async function responseSchema(folder: string, name: string): Promise<ValidateFunction> {
  return compile(JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Schema);
}

function compile(schema: Schema): ValidateFunction {
  return new Ajv({ strict: false, validateFormats: false }).compile(schema);
}

/** Messages that the schema allows, drawn by seed; the generator cuts deep ones off, which the validator then sorts out. */
function drawn(schema: Schema): readonly { readonly params: unknown }[] {
  const valid = compile(schema);
  const all = Array.from({ length: samples }, (_, seed) =>
    generateSync(schema, { seed, alwaysFakeOptionals: seed % 2 === 0, maxDepth: 12 }),
  );
  return all.filter((value): value is { params: unknown } => valid(value) === true);
}

describe.each(supportedVersions)('the schema of Codex %s', (version) => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp('/var/tmp/seedbed-schema-');
    await generateSchemas(version, folder);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has only notifications that we understand as they are drawn from it, or pass on as they are', async () => {
    const misread: string[] = [];
    const declared = await methods(folder, 'ServerNotification');
    for (const { method, schema } of declared.filter((one) => mappedNotifications.includes(one.method))) {
      const messages = drawn(schema);
      expect(messages.length, `samples of ${method}`).toBeGreaterThan(samples / 4);
      for (const { params } of messages) {
        for (const event of mapNotification(method, params)) {
          if (event.type === 'raw' && method !== 'account/rateLimits/updated') misread.push(method);
          if ('item' in event && event.item.kind === 'other') misread.push(event.item.type);
        }
      }
    }
    expect([...new Set(misread)].filter((name) => !unmappedItems.includes(name))).toEqual([]);
  });

  it('still has every notification that we read', async () => {
    const declared = (await methods(folder, 'ServerNotification')).map((one) => one.method);
    expect(mappedNotifications.filter((method) => !declared.includes(method))).toEqual([]);
  });

  it('asks its client only what we have an answer for', async () => {
    const asked = (await methods(folder, 'ServerRequest')).map((one) => one.method).sort();
    expect(asked).toEqual(requestsAsked);
    expect(asked.filter((method) => !answeredServerRequests.includes(method))).toEqual([]);
  });

  it.each([
    ['item/commandExecution/requestApproval', 'CommandExecutionRequestApprovalResponse'],
    ['item/fileChange/requestApproval', 'FileChangeRequestApprovalResponse'],
    ['item/permissions/requestApproval', 'PermissionsRequestApprovalResponse'],
    ['item/tool/requestUserInput', 'ToolRequestUserInputResponse'],
    ['mcpServer/elicitation/request', 'McpServerElicitationRequestResponse'],
    ['item/tool/call', 'DynamicToolCallResponse'],
    ['execCommandApproval', 'ExecCommandApprovalResponse'],
    ['applyPatchApproval', 'ApplyPatchApprovalResponse'],
  ])('takes every answer that we give to %s', async (method, response) => {
    const request = (await methods(folder, 'ServerRequest')).find((one) => one.method === method);
    if (request === undefined) throw new Error(`${method} is not declared.`);
    const valid = await responseSchema(folder, response);
    for (const { params } of drawn(request.schema)) {
      for (const desk of everyDesk(version)) {
        const answer = await answerServerRequest(method, params, desk);
        expect(valid(answer), `${JSON.stringify(answer)}: ${JSON.stringify(valid.errors)}`).toBe(true);
      }
    }
  });
});

it('knows what the newest version reports that the oldest does not', async () => {
  const [oldest, newest] = await Promise.all(
    supportedVersions.map(async (version) => {
      const folder = await mkdtemp('/var/tmp/seedbed-schema-');
      await generateSchemas(version, folder);
      const declared = await methods(folder, 'ServerNotification');
      await rm(folder, { recursive: true, force: true });
      return declared.map((one) => one.method).sort();
    }),
  );
  expect(newest?.filter((method) => !oldest?.includes(method))).toEqual(addedNotifications);
  expect(oldest?.filter((method) => !newest?.includes(method))).toEqual([]);
});

/** One desk for each way in which a person or a deadline can answer. */
function everyDesk(version: string): readonly ServerRequestDesk[] {
  const decisions = (['approve', 'approve-for-session', 'approve-with-rule', 'deny', 'abort'] as const).map(
    (type) => ({ type }),
  );
  const answers: readonly QuestionAnswer[] = [
    { type: 'decline' },
    { type: 'cancel' },
    { type: 'answers', answers: { q: ['a', 'b'] } },
    { type: 'content', content: { name: 'x', count: 1, yes: true } },
  ];
  const { legacyDenial } = codexTraits(version);
  return decisions.flatMap((decision) =>
    answers.map((answer) => ({
      legacyDenial,
      approve: async () => decision,
      ask: async () => answer,
      announcedChanges: () => [],
      interrupt: () => undefined,
      now: () => 0,
    })),
  );
}
