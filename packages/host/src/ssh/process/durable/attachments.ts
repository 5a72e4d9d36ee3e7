import { setTimeout as delay } from 'node:timers/promises';
import { HostError } from '../../../host-error.ts';
import type { HostPath } from '../../../host-path.ts';
import type { ProcessExit } from '../../../process.ts';
import type { ProcessIdentity } from '../../../process-tree.ts';
import { isOutage } from '../../link/outage.ts';
import { openScript, type RemoteScript } from '../../link/remote-script.ts';
import type { SshLink } from '../../link/ssh-link.ts';
import { attachScript, type DurableProcess, type Offsets } from './durable-script.ts';

/** One connection's worth of a durable process. */
export interface Attachment {
  readonly number: number;
  readonly script: RemoteScript;
  /** How many bytes of input had arrived when it began. */
  readonly arrived: number;
  /** How the process ended, when this was its last attachment; `undefined` when it was only the attachment that broke. */
  readonly exit: Promise<ProcessExit | undefined>;
}

/** The attachments of a durable process, one after the other. */
export interface Attachments {
  /** The present one; `undefined` when there will be none any more, because the process has ended or its host is gone. */
  current(): Promise<Attachment | undefined>;
  /** The next one after `attachment`, which has broken. */
  after(attachment: Attachment): Promise<Attachment | undefined>;
  /** Why there will be none any more, where that is no end of the process. */
  readonly failure: Error | undefined;
}

export interface AttachmentsOptions {
  readonly durable: DurableProcess;
  readonly supervisor: ProcessIdentity;
  /** What has been taken of the output; from the present attachment no more is taken. */
  readonly leave: () => Offsets;
}

/** How often, and with which pause, it is tried whether a disk that was full takes input again. */
const FULL_DISK_TRIES = 10;
const FULL_DISK_PAUSE_MS = 500;

/** Attaches anew whenever an attachment breaks, as long as there is a host to attach to. */
export function createAttachments(
  link: SshLink,
  first: RemoteScript,
  { durable, supervisor, leave }: AttachmentsOptions,
): Attachments {
  /** Of the attachment that is there, or is coming. */
  let number = 1;
  let coming: Promise<Attachment | undefined> = Promise.resolve(attachment(number, first, 0));
  let failure: Error | undefined;
  let refusals = 0;

  /** @throws {HostError} why there will be no other. */
  const reattach = async (broken: Attachment): Promise<Attachment | undefined> => {
    if ((await broken.exit) !== undefined) return undefined;
    if ((await broken.script.exit).kind === 'lost') refusals = 0;
    else {
      refusals += 1;
      if (refusals > FULL_DISK_TRIES) throw full(durable.folder);
      await delay(FULL_DISK_PAUSE_MS);
    }
    while (!link.lost.aborted) {
      try {
        const script = attachScript(durable, supervisor, leave());
        const { opened, arrived } = await attach(link, script, durable.folder);
        if (arrived > broken.arrived) refusals = 0;
        return attachment(broken.number + 1, opened, arrived);
      } catch (cause) {
        // It has waited for the host, for a while; whatever else went wrong would go wrong again.
        if (!isOutage(cause)) throw cause;
      }
    }
    throw link.lost.reason;
  };
  return {
    current: () => coming,
    after(broken) {
      if (broken.number !== number) return coming;
      number += 1;
      coming = reattach(broken).catch((cause: unknown) => {
        failure = cause instanceof Error ? cause : new Error(String(cause));
        return undefined;
      });
      return coming;
    },
    get failure() {
      return failure;
    },
  };
}

function attachment(number: number, script: RemoteScript, arrived: number): Attachment {
  const exit = script.exit.then((ended) => {
    const isBroken = ended.kind === 'lost' || (ended.kind === 'signaled' && ended.name === 'SIGALRM');
    return isBroken ? undefined : ended;
  });
  return { number, script, arrived, exit };
}

async function attach(
  link: SshLink,
  script: string,
  folder: HostPath,
): Promise<{ readonly opened: RemoteScript; readonly arrived: number }> {
  const attempt = 'attach to a process again';
  const opened = await openScript(link, script, { attempt, repeatable: true });
  const [word, arrived] = opened.answer.split(' ');
  if (word === 'ok') {
    opened.guard.watch();
    return { opened, arrived: Number(arrived) };
  }
  opened.channel.close();
  throw new HostError(
    'not-found',
    `Could not ${attempt}: what is under way lay in ${folder}, which is gone.`,
  );
}

function full(folder: HostPath): HostError {
  const why = `${folder}, where what it reads is kept, takes no more; the disk is full`;
  return new HostError('no-space', `Could not write to the process: ${why}.`);
}
