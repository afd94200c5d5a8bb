/** What the API answers, by the names that pages use. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type ActiveTime = Schemas['ActiveTime'];
export type ApiError = Schemas['ApiError'];
export type Details = Schemas['Details'];
export type EncounterPage = Schemas['EncounterPage'];
export type Night = Schemas['Night'];
export type NightFight = Schemas['NightFight'];
export type NightPlayer = Schemas['NightPlayer'];
export type Player = Schemas['Player'];
export type PointOfView = Schemas['PointOfView'];
export type PointsOfView = Schemas['PointsOfView'];
export type RaidPage = Schemas['RaidPage'];
export type FeedTicket = Schemas['FeedTicket'];
export type ReachedRow = Schemas['ReachedRow'];
export type Recap = Schemas['Recap'];
export type Recaps = Schemas['Recaps'];
export type Report = Schemas['Report'];
export type ReportPage = Schemas['ReportPage'];
export type TakenRow = Schemas['TakenRow'];
export type TargetRow = Schemas['TargetRow'];
export type Timeline = Schemas['Timeline'];
