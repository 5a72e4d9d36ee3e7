import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import type { ProcessIdentity } from '../../process-tree.ts';
import { openScript, type RemoteScript } from '../remote-script.ts';
import type { SshLink } from '../ssh-link.ts';
import { attachScript, type DurableProcess, type Offsets } from './durable-script.ts';

/** One connection's worth of a durable process. */
export interface Attachment {
  readonly number: number;
  readonly script: RemoteScript;
  /** How many bytes of input had arrived when it began. */
  readonly arrived: number;
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
  /** What has been taken of the output so far. */
  readonly offsets: () => Offsets;
}

/** Attaches anew whenever an attachment breaks, as long as there is a host to attach to. */
export function createAttachments(
  link: SshLink,
  first: RemoteScript,
  { durable, supervisor, offsets }: AttachmentsOptions,
): Attachments {
  let number = 1;
  let present: Promise<Attachment | undefined> = Promise.resolve({ number, script: first, arrived: 0 });
  let failure: Error | undefined;

  const reattach = async (broken: Attachment): Promise<Attachment | undefined> => {
    const exit = await broken.script.exit;
    if (exit.kind !== 'lost') return undefined;
    while (!link.lost.aborted) {
      try {
        const script = attachScript(durable, supervisor, offsets());
        return { number: broken.number + 1, ...(await attach(link, script, durable.folder)) };
      } catch (cause) {
        // It has waited for the host, for a while; whatever else went wrong would go wrong again.
        if (cause instanceof HostError && (cause.code === 'host-lost' || cause.code === 'timeout')) continue;
        failure = cause instanceof Error ? cause : new Error(String(cause));
        return undefined;
      }
    }
    failure = link.lost.reason;
    return undefined;
  };
  return {
    current: () => present,
    after(broken) {
      if (broken.number === number) {
        number += 1;
        present = reattach(broken);
      }
      return present;
    },
    get failure() {
      return failure;
    },
  };
}

async function attach(
  link: SshLink,
  script: string,
  folder: HostPath,
): Promise<Pick<Attachment, 'script' | 'arrived'>> {
  const attempt = 'attach to a process again';
  const opened = await openScript(link, script, { attempt, repeatable: true });
  const [word, arrived] = opened.answer.split(' ');
  if (word === 'ok') return { script: opened, arrived: Number(arrived) };
  opened.channel.close();
  throw new HostError(
    'not-found',
    `Could not ${attempt}: what is under way lay in ${folder}, which is gone.`,
  );
}
