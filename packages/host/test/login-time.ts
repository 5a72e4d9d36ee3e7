/** How long a login to a test's server may take, in milliseconds: it has taken 20 s while two packages' tests shared two cores with somebody else. */
export const LOGIN_MS = 60_000;

/** How long a command may wait for its place there, in milliseconds: for that of the last of 40 several logins follow each other. */
export const PLACE_MS = 120_000;
