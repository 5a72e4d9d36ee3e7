import { z } from 'zod';
import { invalidParams, type ServerRequestHandler } from './server-request.ts';

const method = 'item/tool/requestUserInput';

const paramsSchema = z.looseObject({
  turnId: z.string(),
  autoResolutionMs: z.number().nullish(),
  questions: z.array(
    z.looseObject({
      id: z.string(),
      header: z.string(),
      question: z.string(),
      isOther: z.boolean().nullish(),
      isSecret: z.boolean().nullish(),
      options: z.array(z.looseObject({ label: z.string(), description: z.string().nullish() })).nullish(),
    }),
  ),
});

/** Without an answer (declined, or its deadline passed) Codex is given none, which it tells the model as such. */
export const userQuestions: ServerRequestHandler = {
  method,
  async answer(params, desk) {
    const parsed = paramsSchema.safeParse(params);
    if (!parsed.success) throw invalidParams(method);
    const { turnId, questions, autoResolutionMs } = parsed.data;
    const answer = await desk.ask({
      turnId,
      subject: {
        type: 'questions',
        questions: questions.map((one) => ({
          id: one.id,
          header: one.header,
          text: one.question,
          options: (one.options ?? []).map(({ label, description }) => ({
            label,
            ...(description ? { description } : {}),
          })),
          allowOther: one.isOther ?? false,
          secret: one.isSecret ?? false,
        })),
      },
      ...(typeof autoResolutionMs === 'number' ? { withinMs: autoResolutionMs } : {}),
    });
    if (answer.type === 'cancel') desk.interrupt();
    const given = answer.type === 'answers' ? answer.answers : {};
    const entries = Object.entries(given).map(([id, answers]) => [id, { answers }]);
    return { answers: Object.fromEntries(entries) };
  },
};
