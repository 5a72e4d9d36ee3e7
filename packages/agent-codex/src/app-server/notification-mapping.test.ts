import { expect, it } from 'vitest';
import { mapNotification } from './notification-mapping.ts';

it('takes a model that the provider answers with for no choice of anybody', () => {
  const rerouted = mapNotification('model/rerouted', { fromModel: 'a', toModel: 'b' });
  expect(rerouted.map(({ type }) => type)).toEqual(['warning']);
});
