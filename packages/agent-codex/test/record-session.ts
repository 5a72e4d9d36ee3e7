// Plays one session of the real Codex in each supported version and keeps what it wrote: `node test/record-session.ts`.
// Run it again when a version is added. Ids and times differ from run to run, paths are made equal.
import { mkdir, writeFile } from 'node:fs/promises';
import { createLocalHost } from '@seedbed/host/local';
import { supportedVersions } from './codex-binaries.ts';
import { recordingPath } from './recorded-session.ts';
import { openScriptedTask } from './scripted-task.ts';
import { recordWire } from './wire-recorder.ts';

const patch = '*** Begin Patch\n*** Add File: note.txt\n+hello\n*** End Patch';

await mkdir(new URL('.', recordingPath('0.169.0')), { recursive: true });
for (const version of supportedVersions) {
  const wire = recordWire(createLocalHost());
  await using task = await openScriptedTask({
    version,
    host: wire.host,
    story: [
      [
        { type: 'think', summary: 'First I look.' },
        { type: 'say', text: 'I run the test.', phase: 'commentary' },
        { type: 'run', command: 'echo one; echo two >&2; exit 1' },
      ],
      [
        {
          type: 'plan',
          steps: [
            { step: 'look', status: 'completed' },
            { step: 'mend', status: 'in_progress' },
          ],
        },
      ],
      [{ type: 'run', command: 'touch asked', escalate: 'May I?' }],
      [{ type: 'patch', patch }],
      [{ type: 'say', text: 'Mended — ünïcödé 🌱.', delivery: { characters: 3 } }],
      [{ type: 'fail', code: 'context_length_exceeded', message: 'too long' }],
    ],
    onApproval: async () => ({ type: 'approve' }),
  });
  await task.conversation.run('Mend it');
  await task.conversation.run('And again');
  await task.conversation.end();
  const text = wire.received.map((line) => line.replaceAll(task.workdir, '/task')).join('\n');
  await writeFile(recordingPath(version), `${text}\n`);
  process.stdout.write(`${version}: ${wire.received.length} lines\n`);
}
