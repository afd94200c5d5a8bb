/** People, their sessions, keys and invitations, as the API has them: by the names of its description. */
import type { components } from './schema';

export type Visibility = components['schemas']['Visibility'];

/** Who may join the relay. */
export type Registration = 'open' | 'invitation' | 'closed';

/** What a key may do. */
export type Scope = 'upload' | 'read' | 'manage';

/** What somebody may do beside what everybody may. */
export type Role = 'member' | 'administrator';

/** Who is signed in. */
export interface Me {
  name: string;
  role: Role;
  /** Unix ms. */
  signedInAtMs: number;
  /** Until when he may make keys without giving his password again, Unix ms. */
  freshUntilMs: number;
  /** His own first. */
  accounts: MyAccount[];
}

/** Under it keys upload. */
export interface MyAccount {
  id: number;
  /** `null`: his own. */
  name: string | null;
  /** The page that always shows its present raid. */
  channelUrl: string;
}

export interface SignInForm {
  name: string;
  password: string;
}

export interface JoinForm {
  name: string;
  password: string;
  /** The secret of an invitation, where one is needed. */
  invitation?: string;
}

export interface PasswordForm {
  old: string;
  new: string;
}

/** A browser that somebody is signed in with. */
export interface SessionLine {
  id: number;
  /** What the browser called itself. */
  agent: string;
  /** Unix ms. */
  createdAtMs: number;
  /** To the hour, Unix ms. */
  usedAtMs: number;
  /** Whether it is the one that asks. */
  isThis: boolean;
}

/** A key that is to be made. */
export interface KeyForm {
  name: string;
  /** One at the least. */
  scopes: Scope[];
  /** Without it his own. */
  account?: number;
  visibility?: Visibility;
  uploadsPerDay?: number;
  /** Without it it has no end. */
  days?: number;
}

/** A key, but for its secret. */
export interface KeyLine {
  id: number;
  account: number;
  name: string;
  scopes: Scope[];
  visibility: Visibility;
  uploadsPerDay: number | null;
  /** Unix ms. */
  createdAtMs: number;
  /** Unix ms; `null`: it has no end. */
  endsAtMs: number | null;
  /** To the minute, Unix ms; `null`: it was not used. */
  usedAtMs: number | null;
}

/** A key that was made: the only time that it is told. */
export interface NewKey extends KeyLine {
  secret: string;
}

/** How a key is replaced. */
export interface RotationForm {
  /** For so long the old one stays good. */
  overlapHours: number;
}

/** An invitation that is to be made. */
export interface InvitationForm {
  role?: Role;
  /** For whom it is. */
  note?: string;
  uses: number;
  days: number;
}

/** An invitation, but for its link. */
export interface InvitationLine {
  id: string;
  role: Role;
  note: string;
  /** So many may still come by it. */
  left: number;
  /** Unix ms. */
  createdAtMs: number;
  /** Unix ms. */
  endsAtMs: number;
}

/** An invitation that was made: the only time that its link is told. */
export interface NewInvitation extends InvitationLine {
  url: string;
}

/** A program that waits to be let in. */
export interface DeviceLine {
  /** What it calls itself. */
  name: string;
  /** From where it asks. */
  address: string;
  /** Whether that is from where this is asked, too. */
  isHere: boolean;
  /** Unix ms. */
  askedAtMs: number;
  /** What its key is to do. */
  scopes: Scope[];
}

/** Whether a program is let in. */
export interface DeviceForm {
  approve: boolean;
  /** Without it his own. */
  account?: number;
}
