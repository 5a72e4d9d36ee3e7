import type { Step, Story } from '@seedbed/agent-codex/testing';
import { faultyFile, testFile } from './sample-repository.ts';

/** What the person wants, in the scripted demonstration and in the real one. */
export const task: string = `The test in ${testFile} fails. Find out why, fix the code, and show that the test passes. Run it with: node ${testFile}`;

/** Words of Codex that tell the model what became of its last call. */
const heard = {
  refused: 'rejected by user',
  patched: `M ${faultyFile}`,
  testFailed: '1000 !== 900',
  testPassed: '# fail 0',
  testPassedToo: 'ℹ fail 0',
};

const patch: Step = {
  type: 'patch',
  patch: `*** Begin Patch
*** Update File: ${faultyFile}
@@
-    const share = count > 10 ? 0.9 : 1;
+    const share = count >= 10 ? 0.9 : 1;
*** End Patch`,
};

export interface StoryOptions {
  /** How long the model takes before each of its remarks, so that a person can follow; milliseconds. */
  readonly pauseMs: number;
  /** Whether the model asks before it runs the test. Where Codex has no sandbox that it could leave, it may not ask so. */
  readonly asks: boolean;
}

/** The scripted model's part. It takes a refusal for an answer: what it may not do, it does without. */
export function demoStory({ asks, pauseMs }: StoryOptions): Story {
  const runTest: Step = {
    type: 'run',
    command: `node ${testFile}`,
    ...(asks ? { escalate: 'May I run the test? It is code that I did not write.' } : {}),
  };
  const remark = (text: string): Step[] => [
    { type: 'wait', ms: pauseMs },
    { type: 'say', text, phase: 'commentary' },
  ];
  const conclusion = (text: string): Step[] => [
    { type: 'wait', ms: pauseMs },
    { type: 'say', text, phase: 'final_answer' },
  ];
  const fixed = `The comparison in ${faultyFile} left the tenth item out: \`count > 10\` is now \`count >= 10\`, as its comment promises.`;
  const passed = `${fixed} Both tests pass.`;
  return {
    replies: [
      {
        steps: [
          ...remark('I read the code and its test first.'),
          { type: 'run', command: `cat ${faultyFile} ${testFile}` },
        ],
      },
      {
        steps: [
          ...remark(
            'The comment promises a tenth off from ten of a kind; the code gives it only above ten. I run the test to see whether that is what it complains about.',
          ),
          runTest,
        ],
      },
      {
        when: { anyText: heard.patched, lastToolOutput: heard.refused },
        steps: conclusion(`${fixed} You did not want the test to be run, so I have not seen it pass.`),
      },
      {
        when: { anyText: heard.refused, lastToolOutput: heard.patched },
        steps: conclusion(`${fixed} You did not want the test to be run, so I have not seen it pass.`),
      },
      {
        when: { lastToolOutput: heard.refused },
        steps: [...remark('Then I go by what I have read, and change the comparison.'), patch],
      },
      {
        when: { lastToolOutput: heard.testFailed },
        steps: [
          ...remark('It is: 1000 instead of 900 cents for ten of a kind. I change the comparison.'),
          patch,
        ],
      },
      {
        when: { lastToolOutput: heard.patched },
        steps: [...remark('And the test once more.'), runTest],
      },
      { when: { lastToolOutput: heard.testPassed }, steps: conclusion(passed) },
      { when: { lastToolOutput: heard.testPassedToo }, steps: conclusion(passed) },
    ],
    otherwise: conclusion('This came out otherwise than I expected, so I stop here.'),
  };
}
