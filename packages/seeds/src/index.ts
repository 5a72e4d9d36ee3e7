export type { SeedTarget } from './acquire-seed.ts';
export type { CaptureOptions } from './capture-seed.ts';
export type { SeedsOptions } from './configure-seeds.ts';
export type {
  AccountSummary,
  Credential,
  CredentialKind,
  CredentialReading,
} from './credential-kind.ts';
export type { Quota, SeedDetails, UsageWindow } from './details.ts';
export { type IdleRefreshSchedule, type RefreshIdleOptions, refreshIdleSeeds } from './idle-refresh.ts';
export { createDirectoryJournal, type DirectoryJournalOptions } from './journal/directory-journal.ts';
export type { JournalEntry, JournalNote, SeedJournal } from './journal/seed-journal.ts';
export type { WriteBackOutcome } from './lease-state.ts';
export type { PlantOptions, SeedHost } from './plant-seed.ts';
export type { QuotaAnswer, ReadQuota } from './quota.ts';
export type { ResealReport } from './reseal-seed.ts';
export type { SaveOutcome } from './save-back.ts';
export type { SealingChoice } from './sealing.ts';
export type { PurgeReport, PurgeTarget } from './seed-care.ts';
export type { SeedClock, SleepOptions } from './seed-clock.ts';
export type { ReachPlace } from './seed-context.ts';
export {
  SeedError,
  type SeedErrorCode,
  type SeedRefusal,
  SeedUnavailableError,
} from './seed-error.ts';
export type { IgnoredReason, SeedEvent } from './seed-event.ts';
export type {
  AsideFacts,
  CredentialFacts,
  LeaseFacts,
  LineageEntry,
  Outstanding,
  SeedFacts,
  SeedId,
  SeedStatus,
} from './seed-facts.ts';
export type { CredentialWatch, SeedLease } from './seed-lease.ts';
export type { SeedFile, SeedManifest } from './seed-manifest.ts';
export type { AsideOverview, SeedOverview } from './seed-overview.ts';
export type {
  QuestionOptions,
  SeedChange,
  SeedListing,
  SeedReading,
  SeedStore,
  SeedVersion,
  StoredSeed,
  UnreadableSeed,
} from './seed-store.ts';
export { createSeeds, type Seeds } from './seeds.ts';
export type { RefreshCredential, RefreshOutcome, Verification } from './verify-and-refresh.ts';
export type { AcquireOptions } from './wait-for-seed.ts';
