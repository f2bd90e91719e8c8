/** The sentences about Matrix that a person can be shown, and the general ones. */
export * from "../core/phrases.ts";

import { speakerName } from "../core/names.ts";
import { placeLink, shortened } from "../core/phrases.ts";

// Words for what has no form of its own elsewhere.
export const sentSticker = (name: string) => `sent a sticker: ${name}`;
export const pollResult = (answers: readonly Readonly<{ text: string; votes: number }>[]) =>
	answers.map(({ text, votes }) => `${text}: ${votes}`).join(", ");
/** The reason of a leave that a moderator of another network caused. */
export const removedBy = (moderator: string, reason: string | undefined) =>
	`removed by ${speakerName(moderator)}${reason ? `: ${reason}` : ""}`;
/** The labels of ranks, in the brackets behind the names of ghosts. */
export const ranks = { owner: "owner", admin: "admin", moderator: "moderator" } as const;
const acts = {
	kick: "removed",
	ban: "banned",
	unban: "unbanned",
	mute: "muted",
	unmute: "unmuted",
} as const;
/** The reason of an act that a moderator of another network did. */
export const actBy = (act: keyof typeof acts, moderator: string, reason: string | undefined) =>
	`${acts[act]} by ${speakerName(moderator)}${reason ? `: ${reason}` : ""}`;
/** Tells a room of an act upon one of its people that the bot lacks the power to carry out here. */
export const actOnlyThere = (
	act: keyof typeof acts,
	name: string,
	moderator: string,
	reason: string | undefined,
) =>
	`${speakerName(name)} was ${actBy(act, moderator, reason)}. That was in the linked room. Here I lack the power level to do the same, so what ${speakerName(name)} writes in this room does not go there.`;
export const tooManyLists = (most: number) => `the bridge follows ${most} lists already, and no more.`;
export const noSuchList = (address: string) =>
	`there is no list of banned people at ${address} that the bridge may read. The address of one looks like #bans:example.org.`;
export const inviteToUpgrade = (bot: string) =>
	`The bridge cannot enter the room that takes the place of this one. Invite ${bot} there, and the bridge goes on in it.`;
export const botNeedsPower = (bot: string, has: number, needs: number) =>
	`the bridge's account ${bot} has the power level ${has} here and needs ${needs} to give others one. Raise it, and choose this again.`;
export const powerLost = (bot: string) =>
	`People of the other room should have the power level of a moderator here, by the setting “roles: both”, but the bridge's account ${bot} may not change power levels any more. Raise its own level, or choose “settings roles show”.`;
export const noPowerHere = "the bridge lacks the power level for it in that room.";
// Acts in the room, after the name of the person.
export const liveBegins = (description: string, minutes: number | undefined) =>
	`shares a live location${minutes ? ` for ${minutes} min` : ""}${description ? `: ${description}` : ""}`;
export const liveEnds = (last: string | undefined) =>
	`stopped sharing the live location${last ? `, last at ${placeLink(last)}` : ""}`;
export const startedCall = "started a call, which does not cross the bridge";
export const pinned = (text: string | undefined) =>
	text ? `pinned a message: “${shortened(text)}”` : "pinned a message";
export const renamedRoom = (name: string) => `renamed the room to: ${name}`;
export const removedName = "removed the name of the room";
export const changedPicture = "changed the picture of the room";
export const upgradedRoom = "closed this room on Matrix: it goes on in a new one there";
export const turnedOnEncryption = "turned encryption on, so the bridge cannot read what follows";
export const startedConference = (link: string | undefined) =>
	`started a video conference${link ? `: ${link}` : ""}`;
export const endedConference = "ended the video conference";
export const addedWidget = (name: string) => `added “${shortened(name)}” to the room on Matrix`;
export const addedSomeWidget = "added a widget to the room on Matrix";
export const startedBroadcast = "started a voice broadcast";
export const longMessage = (start: string) => `${start}\n… (all of it is in the attached file)`;

// Answers to people on Matrix.
export const encryptedRoom =
	"this room is encrypted, which the bridge cannot read. Use a room without encryption.";
export const spaceNotShown = "a space holds rooms and no messages, so no other network can show it.";
export const greetingEncrypted =
	"Hello! This room is encrypted, so I cannot read what is said here, and cannot bridge it. Please invite me to a room without encryption.";
export const encryptedChat =
	"this chat is encrypted, which the bridge cannot read. You are invited to a new one without encryption: please say it again there.";
export const callNotCrossing = "calls do not cross the bridge. They read that you called.";
export const encryptedLeft = "This chat is encrypted; it goes on in another one.";
export const chatMoved =
	"This chat goes on in the room that you opened later. Nothing is sent from here any more.";
export const tooManyLooks = "too many questions about rooms. Wait a minute and go on more slowly.";
export const tooManyJoins = "too many people are joining rooms of other servers. Try again in a minute.";
export const bannedFromRoom = "the moderators of the room have banned you from it.";
export const roomNeedsInvitation =
	"this room is only for those who are invited. Ask somebody in it to invite you.";
export const notInArchive = "the archive has no such message that you may read.";
export const noAlias = (name: string) =>
	`“${name}” cannot be the address of a room on Matrix. Letters, digits, “.” and “-” are fine.`;
export const aliasTaken = (alias: string) => `there is a room ${alias} already. Choose another address.`;
export const aliasRefused = (why: string) =>
	`the Matrix server does not let the bridge give a room this address: ${why}`;
export const powerTooLow = "your power in this room on Matrix does not suffice for that.";
export const notOurRoom =
	"the bridge has not made this room, so it cannot end it. Its people can do that on Matrix.";
export const roomDestroyed = (who: string, reason: string | undefined) =>
	`${who} has closed this room${reason ? `: ${reason}` : "."}`;
export const byModerator = (who: string, reason: string | undefined) =>
	reason ? `${reason} (by ${who})` : `by ${who}`;
export const notInRoom = "you are not in this room on Matrix.";
export const roomGone = "there is no such room, or no server that is in it can be reached.";
export const noPower = "the power levels of the Matrix room do not let you do this there.";
export const homeserverRefused = (why: string) => `the Matrix server refused it: ${why}`;
export const noMatrixAddress = (text: string) =>
	`“${text}” is not a Matrix address. The address of a person looks like @alice:example.org, that of a room like #lobby:example.org.`;
export const botStays =
	"the bot of the bridge keeps its place and its power in this room, since it carries out what the owners decide.";
export const noMatrixRoom = (address: string) => `there is no Matrix room ${address}.`;
export const roomOfPeople = (names: readonly string[], count: number) =>
	`a room of ${names.join(", ")}${count > names.length ? ` and ${count - names.length} more` : ""}`;
export const nobodyName = "nobody";
export const linkedByOther = (bot: string) =>
	`another bridge, ${bot}, has made this very link already, and two would show each message twice. To use this bridge, end that link first.`;
export const otherBridge = "people who come from another bridge cannot invite people of this one.";
export const passedOn = (room: string) =>
	`I was invited to ${room}, which is linked to this room, and am here once I am there.`;
export const onlyDirect = "I can be invited to a chat of two only.";

// `check`: each thing that can fail, with its cure.
export const notMatrix = (url: string, status: number) =>
	`${url} answers (${status}), but not as a Matrix server. Correct matrix.homeserver.`;
export const noRegistration =
	"If the homeserver has a copy of it, put that there, since it has the tokens. Else write it with “register”, and add it to the homeserver's configuration";
export const registrationRace = "Another run has just written it: run this again";
export const mendRegistration =
	"Put the homeserver's copy of it there, since it has the tokens. If there is none, move this file away, write a new one with “register”, and give that to the homeserver.";
export const tokenUnknown = (file: string) =>
	`the homeserver does not know our as_token. Add ${file} to its app_service_config_files, and restart it.`;
export const tokenOfAnother = (whose: string, ours: string) =>
	`the homeserver takes our as_token for that of ${whose}, not ${ours}. Correct matrix.domain and matrix.bot, or give it the present registration file and restart it.`;
export const namespaceMissing = (mxid: string) =>
	`the homeserver does not let us act as people like ${mxid}. Give it the present registration file, and restart it.`;
export const homeserverSays = (what: string) => `the homeserver answers: ${what}`;
export const portTaken = (address: string) =>
	`another program listens on ${address}. Stop it, or change matrix.appservice.listen and the registration's url.`;
export const cannotListen = (address: string, cause: string) =>
	`we cannot listen on ${address} (${cause}). Correct matrix.appservice.listen.`;
export const cannotReachUs = (url: string, cause: string) =>
	`the homeserver cannot reach us at ${url}: ${cause}. Set matrix.appservice.url to an address that leads from it to matrix.appservice.listen (in a container 127.0.0.1 is the container itself), write the registration anew, and restart the homeserver.`;
export const hsTokenWrong =
	"the homeserver reaches us with another hs_token. Give it the present registration file, and restart it.";
export const rateLimited =
	"the homeserver should not limit an application service with “rate_limited: false”. Give it the present registration file, and restart it; if a proxy in front of it limits requests, exempt the bridge.";
export const urlNotSet =
	"the homeserver has a registration of ours without a url, and sends nothing. Give it the present registration file, and restart it.";
export const reachUnproven = "the homeserver has not reached the bridge yet.";
export const pingUnknown =
	"the homeserver has no way to be asked whether it reaches us. Say something in a bridged room, and see whether it crosses.";
export const reachedElsewhere = (host: string, url: string) =>
	`the homeserver reaches us as ${host}, while matrix.appservice.url is ${url}. Unless a proxy between them changes the name, the homeserver has an older registration: give it the present file, and restart it.`;
export const registrationReadable = (file: string) =>
	`every user of this machine can read ${file}, which holds the tokens of the bridge: run chmod o-rwx ${file}`;
export const noOwnSession =
	"the homeserver offers application services no login (m.login.application_service). If it lets them give rooms addresses outside their namespaces, all is well; else leave gateway.create empty.";
export const noMirrorRoom = (why: string) =>
	`there is no such room (${why}). Make a room with this address on Matrix, or correct the room in mqtt.mirrors.`;
export const mirrorRoomClosed = (bot: string) =>
	`the room does not let everybody in, and the bot is not in it. Invite ${bot} there.`;
export const mirrorRoomUnsure = (bot: string) =>
	`the bot is not in this room yet, and the homeserver does not tell whether it may join. Invite ${bot} there, if the room is not public.`;

// `register`: the results, with the next step.
export const registrationWritten = (file: string) => `Wrote ${file}, with new tokens.`;
export const undeclared = (network: string) =>
	`protocols of the registration lacks ${network}, so Matrix clients cannot look up people and rooms there`;
export const undeclaredProtocols = (networks: string) =>
	`everything crosses, but ${undeclared(networks)}. Run “register”, and restart the homeserver.`;
export const registrationKept = (file: string) =>
	`${file} is there already and fits the configuration: kept as it is.`;
export const registrationUpdated = (file: string, why: string) =>
	`Updated ${file}: ${why}. The tokens are the same as before.`;
export const registrationBroken = (file: string, why: string) => `${file} is there already, but ${why}`;

// Private chats with people who are known from one room alone.
export const privateChat = (name: string, room: string) => `${name} (${room})`;
export const privateChatTopic = (name: string, room: string) =>
	`Private messages with ${name}, who is in ${room}`;
/** The status of a person who is busy and says nothing about it. */
export const busy = "busy";

// Chats of two, after the name of the person.
export const leftChat = "has left this chat. Your next message invites them again.";
export const declinedChat = "has declined the invitation to this chat.";
