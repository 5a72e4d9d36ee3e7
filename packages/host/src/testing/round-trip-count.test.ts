import { describe, expect, it } from 'vitest';
import { countRoundTrips } from './round-trip-count.ts';

describe('the count of round trips', () => {
  it('counts what is asked at once as one, and what is asked after an answer as one more', () => {
    const trips = countRoundTrips();
    const questions = [trips.fromClient(), trips.fromClient(), trips.fromClient()];
    expect(trips.count()).toBe(0);
    for (const arrive of questions) arrive();
    const answers = [trips.fromServer(), trips.fromServer()];
    for (const arrive of answers) arrive();
    expect(trips.count()).toBe(1);
    trips.fromClient()();
    expect(trips.count()).toBe(1);
    trips.fromServer()();
    expect(trips.count()).toBe(2);
  });

  it('does not take for an answer what the server sent before the question reached it', () => {
    const trips = countRoundTrips();
    const question = trips.fromClient();
    const greeting = trips.fromServer();
    question();
    greeting();
    expect(trips.count()).toBe(0);
    const second = trips.fromClient();
    second();
    trips.fromServer()();
    expect(trips.count()).toBe(1);
  });

  it('starts anew without what was under way', () => {
    const trips = countRoundTrips();
    trips.fromClient()();
    trips.fromServer()();
    trips.fromClient()();
    const late = trips.fromServer();
    trips.reset();
    late();
    expect(trips.count()).toBe(0);
    trips.fromServer()();
    expect(trips.count()).toBe(0);
  });
});
