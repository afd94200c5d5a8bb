/** People, their sessions, keys and invitations, as the API has them: by the names of its description. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type AccountList = Schemas['AccountList'];
export type DeviceForm = Schemas['DeviceForm'];
export type DeviceLine = Schemas['DeviceLine'];
export type InvitationForm = Schemas['InvitationForm'];
export type InvitationLine = Schemas['InvitationLine'];
export type InvitationList = Schemas['InvitationList'];
export type JoinForm = Schemas['JoinForm'];
export type KeyForm = Schemas['KeyForm'];
export type KeyLine = Schemas['KeyLine'];
export type KeyList = Schemas['KeyList'];
export type Me = Schemas['Me'];
export type MyAccount = Schemas['MyAccount'];
export type Newcomer = Schemas['Newcomer'];
export type NewcomerForm = Schemas['NewcomerForm'];
export type NewInvitation = Schemas['NewInvitation'];
export type NewKey = Schemas['NewKey'];
export type PasswordForm = Schemas['PasswordForm'];
export type ProviderForm = Schemas['ProviderForm'];
export type ProviderLine = Schemas['ProviderLine'];
export type ProviderTrip = Schemas['ProviderTrip'];
export type Registration = Schemas['Registration'];
export type Role = Schemas['Role'];
export type RotationForm = Schemas['RotationForm'];
export type Scope = Schemas['Scope'];
export type SessionLine = Schemas['SessionLine'];
export type SessionList = Schemas['SessionList'];
export type SignInFault = Schemas['SignInFault'];
export type SignInForm = Schemas['SignInForm'];
export type SignInWays = Schemas['SignInWays'];
export type Visibility = Schemas['Visibility'];
export type WayLine = Schemas['WayLine'];
export type WayList = Schemas['WayList'];
