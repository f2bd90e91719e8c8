/**
 * The sentences that a person can be shown, in plain words with the cause, and with the cure where there is one. Sentences
 * about one network stand in the `phrases.ts` of its folder.
 */

import { setIn, signed, speakerName } from "./names.ts";
import type { Person } from "./person.ts";

/** A message of a person without an account in the target room; no line of it can pass for another person's message. */
export const relayed = (name: string, text: string) => `${speakerName(name)}: ${setIn(text)}`;
export const relayedEmote = (name: string, text: string) => `* ${speakerName(name)} ${setIn(text)}`;
/** The value of a thing, in rooms that show things as text. */
export const value = (label: string, text: string | null) =>
	text === null ? `${label}: (cleared)` : `${label}: ${text}`;
export const digest = (label: string, values: number, seconds: number, last: string | null) =>
	`${label}: ${values} values in ${duration(seconds * 1_000)}, last: ${last ?? "(cleared)"}`;

// Refusals, for the sender of an undeliverable message.
export const notDelivered = (target: string, why: string) => `Not delivered to ${target}: ${why}`;
/** The sentence about an event that did not reach `target`, or of which `target` shows another form. */
export const deliveryReport = ({ message, partly }: { message: string; partly: boolean }, target: string) =>
	partly ? `Delivered to ${target} in another form: ${message}` : notDelivered(target, message);
export const blocked = "you are blocked on this bridge. Its admin can lift that.";
export const bannedByList = "a list of banned people, which the moderators of that room follow, names you.";
export const noPolicyLists = "no network here has lists of banned people.";
export const unreachable = "this person takes no messages from this bridge.";
export const notAllowed = (what: string) => `you may not ${what} on this bridge. Its admin can allow it.`;
export const tooFast = "too many messages at once. Wait a minute and go on more slowly.";
export const tooManyChats = "too many new chats at once. Wait an hour, or have the other side write first.";
export const onlyKnown =
	"this person uses another server than the bridge, so they have to write to you first.";
export const nobodyByName = "people there can be found by their address only.";
export const unlinked = "this room is no longer linked there.";
export const inCircle = "another bridge carried it here from there.";
export const expired = "it could not be delivered for a day and was given up.";
export const notInTime =
	"it could not be sent in time, because nobody there answers or too many messages are before it: nobody has it. Send it again later.";
export const unconfirmed =
	"for a day nobody there confirmed that it arrived, so it was given up. It may be there.";
/** Reasons for the sender of an event that refers to a message unknown to the other room. */
export const unknownTarget = {
	redaction: "the message to be deleted is not known there, so nothing was deleted.",
	edit: "the message that it corrects is not known there, or is not yours, so it is shown as a new message.",
	reaction: "the message that it belongs to is not known there, so it is shown in words.",
	message: "the message that it answers is not known there, so it is shown as a message of its own.",
} as const;
export const setAside =
	"The bridge stopped twice while it handled this, so it was set aside. Ask the admin of the bridge.";
export const brokenHere = "the bridge failed on this message. Its log names the cause.";

// Commands.
/** The name of the bridge and of its bot. */
export const title = "Trivium";
const listed = (words: readonly string[]) =>
	words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
/** Returns a duration as people say it, in its largest unit. */
export function duration(ms: number): string {
	const minutes = Math.floor(ms / 60_000);
	const [count, unit] =
		minutes < 1
			? [Math.max(1, Math.floor(ms / 1_000)), "second"]
			: minutes < 120
				? [minutes, "minute"]
				: minutes < 48 * 60
					? [Math.floor(minutes / 60), "hour"]
					: [Math.floor(minutes / 1_440), "day"];
	return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
export const greeting = (me: string, name: string | undefined, titles: readonly string[]) =>
	`Hello${name ? ` ${name}` : ""}! I am ${me}, the bridge between ${listed(titles)}. Some of what you can say to me:`;
export const greetingEnd = (prefix: string) => `“${prefix}help” lists everything.`;
export const versionLine = (me: string, version: string, running: string) =>
	`${me} ${version}, running for ${running}.`;
export const unknownCommand = (name: string, help: string) =>
	`There is no command “${shortened(name)}”. Say “${help}” for the list.`;
export const helpLine = (name: string, usage: string, help: string) =>
	`${[name, usage].filter(Boolean).join(" ")} – ${help}`;
export const helpIntro = "I can do this here:";
export const commandUsage = (name: string, usage: string) =>
	`I did not understand that. Say: ${name} ${usage}`;
export const openQuote = (text: string) =>
	`the quote that begins at ${shortened(text)} is not closed. A quote within it is written as \\".`;
export const noChats = (title: string) => `the bridge opens no chats on ${title}.`;
export const noRoomsMade = (title: string) =>
	`The bridge cannot make ${title} rooms yet. Link an existing one instead.`;
export type Opened = "chat" | "room";
/** Tells that a chat or a room is open. invited: the person just got an invitation; inside: the person is in it. */
export const opened = (what: Opened, name: string, how: "inside" | "invited" | "open", url?: string) => {
	const it = what === "chat" ? `your chat with ${name}` : name;
	const at = url ? `: ${url}` : ".";
	if (how === "inside") return `You are in ${it} already${at}`;
	if (how === "open") return `You can go to ${it} now${at}`;
	return `You are invited to ${it}${at}`;
};
export const nothingToFollow = "no room that is linked here was closed and named another one in its place.";
export const passwordInRoom =
	"everybody here can read a password. Tell it to me in a chat of two, with the same command, and change it if others may have read it.";
export const linked = (name: string) => `Linked to ${name}. Messages now cross in both directions.`;
export const linkedBut = (name: string, why: string) => `Linked to ${name}, but nothing crosses yet: ${why}`;
export const linkHelp = (forms: readonly string[]) =>
	["join this room with a room of another network", ...forms].join("; or ");
export const shownHere = (name: string) =>
	`This room shows what comes from ${name} from now on. Nothing that is said here goes there.`;
export const alreadyShown = (name: string) => `this room shows what comes from ${name} already.`;
export const alreadyLinked = (title: string, name: string, cure: string) =>
	`this room is linked to ${name} already, and a room can have one link to ${title}. Say “${cure}” first.`;
export const alreadyShownIn = (title: string, name: string, cure: string) =>
	`people on ${title} are in this room already, as ${name}, and a room can have one room on ${title}. Say “${cure}” first: they then have to join the room that you link.`;
export const showsThisRoom = (name: string) =>
	`${name} shows this very room, through another bridge: its people are here already.`;
export const linkedHere = (name: string) => `this room is linked to ${name} already.`;
export const linkedElsewhere = (name: string, which: string | undefined) =>
	which
		? `${name} is linked to another room already: ${which}`
		: `${name} is linked to another room already. An admin of this bridge can tell which.`;
export const notLinked = (title: string | undefined) =>
	`This room has no link${title ? ` to ${title}` : ""}.`;
export const whichLink = (commands: readonly string[]) =>
	`this room has several links. Say which to end: ${commands.map((one) => `“${one}”`).join(" or ")}.`;
export const unlinkedNow = (title: string, room: string) =>
	`Unlinked from ${title} (${room}). Nothing crosses any more, and each room shows only its own people again.`;
export const unlinkedThere = (title: string, room: string) =>
	`The link of this room to ${title} (${room}) was ended there. Nothing crosses any more, and each room shows only its own people again.`;
export const noLongerShown = (names: readonly string[], othersStay: boolean) =>
	`This room no longer shows what comes from ${names.join(", ")}.${othersStay ? " The mirrors of the bridge's config stay." : ""}`;
export const sayInRoom =
	"a chat with me cannot be linked. Invite the bot to a room on the other network, and say it there.";
export const guardedRooms = (title: string) => `only an admin of this bridge can link a room to ${title}.`;
export const onlyAdmins = "the bridge made this room, so only an admin of the bridge may do that here.";
export const noPower = "you need the right to change this room's settings for that. Its admin can grant it.";
export const unknownNetwork = (name: string, known: string) =>
	`a room here can be linked to ${known}, not to ${name}.`;
export const nobody = (address: string) => `nobody has the address ${address}.`;
export const settingLine = (name: string, value: string | undefined) => `${name}: ${value ?? "default"}`;
export const mirrorOfConfig =
	"topics of this room are mirrored by the bridge's config. Its admin can end that.";
export const noPortal = "This room is not bridged.";
export const connected = "connected";
export const away = (since: string | undefined, cause: string | undefined) =>
	`AWAY${since ? ` for ${since}` : ""}${cause ? ` (${cause})` : ""}`;
export const hindered = (why: string) => `connected, but NOTHING CROSSES: ${why.replace(/\.$/, "")}`;
export const hereIs = "this room";
const waitingFor = (count: number) =>
	count === 0 ? "" : count === 1 ? "; 1 message waits for it" : `; ${count} messages wait for it`;
export const statusLine = (title: string, room: string, state: string, waiting: number) =>
	`${title}, ${room}: ${state}${waitingFor(waiting)}.`;
export const heldLine = (count: number) =>
	`${count === 1 ? "1 message waits" : `${count} messages wait`} because people or devices send faster than the limits of the bridge allow.`;
export const sideLine = (title: string, state: string) => `${title}: ${state}.`;
export const unlinkedTarget = "the other side";
export const notReachable = "the other network cannot be reached. Try again later.";
/** The end of an answer whose file could not be sent. */
export const answerWithoutFile = (text: string) => `${text} (The file could not be sent.)`;
export const commandFailed = (why: string) => `That did not work: ${why}`;

export const askAlone =
	"the answer names people and rooms that are not for everybody here. Ask me in a chat of the two of us.";
export const pageLine = (page: number, pages: number, command: string) =>
	pages === 1
		? ""
		: `Page ${page} of ${pages}.${page < pages ? ` The next one: “${command} ${page + 1}”.` : ""}`;

// Rooms of one network that another shows in full: refusals for people who want to come in.
export const noViews = (title: string) => `rooms of ${title} cannot be joined from here.`;
export const noSuchRoom = (address: string) =>
	`there is no room ${shortened(address)}. Is the address right?`;
export const roomElsewhere =
	"nobody of the bridge's own server is in this room, and this bridge leads to no others. Its admin can allow it (gateway.rooms).";
export const roomNotAdmitted =
	"this room is none of those that this bridge leads to. Its admin can allow it (gateway.rooms).";
export const chatNotShown =
	"this is a chat of two people, which cannot be joined as a room. Write to the other one directly.";
export const linkedMeanwhile =
	"this room has just been linked to another room. Join again, and you are sent there.";
export const tooManyChanges =
	"you leave this room, or change your name there, too often. Try again in a minute.";
export const mayMakeNoRoom =
	"there is no such room, and you may not make one here. The admin of the bridge can allow it (gateway.create).";
export const tooManyMade = "you make too many rooms. Try again in an hour.";
export const tooManyViews =
	"this bridge shows as many rooms as it can. Try again later, when people have left one.";
/** The reasons why a room cannot be shown. */
export const unfit = {
	encrypted:
		"this room is encrypted, which the bridge cannot read. Its people can make a room without encryption.",
	space: "this is a space: it lists rooms, and nobody speaks in it. Join one of its rooms.",
} as const;

// The list of portals, for admins.
export const noRooms = "No room is bridged yet.";
export const roomsIntro = (count: number) => `Bridged rooms and chats: ${count}.`;
export const named = (name: string, address: string) => `${name} (${address})`;
/** A person by name and address, or by the address alone if that is their name. */
export const personLine = ({ name, handles: [address], id }: Pick<Person, "name" | "handles" | "id">) =>
	name && name !== (address ?? id) ? named(name, address ?? id) : (address ?? id);
export const sideOf = (title: string, room: string) => `${title} ${room}`;
export const portalLine = (
	first: string,
	others: readonly string[],
	mutual: boolean,
	chat: boolean,
	waiting: number,
	hindrance: string | undefined,
) =>
	`• ${chat ? "chat: " : ""}${[first, ...others].join(mutual ? " ↔ " : " ← ")}${waiting > 0 ? `; ${waiting} waiting` : ""}${hindrance ? `; nothing crosses: ${hindrance}` : ""}`;

// Blocks, for admins.
export const noGlob = (text: string) =>
	`“${shortened(text)}” is neither an address nor a pattern. Say for example @them:example.org, them@example.org, example.org or *@example.org.`;
export const adminNotBlocked = (address: string) =>
	`${address} is an admin by the bridge's config, and only the config can change that.`;
export const tooManyBlocks = (most: number) =>
	`there are ${most} blocks already. A pattern such as *@example.org replaces many.`;
export const blockedNow = (glob: string, count: number) =>
	`Blocked: ${glob}. ${count === 0 ? "Nobody in a bridged room has that address now." : `${count === 1 ? "1 person is" : `${count} people are`} no longer shown in bridged rooms.`}`;
export const blockedAlready = (glob: string) => `${glob} is blocked already.`;
export const unblocked = (glob: string) =>
	`No longer blocked: ${glob}. In a room they are shown again when they write.`;
export const stillBlocked = (glob: string, others: readonly string[]) =>
	`${glob} is still blocked by ${others.map((one) => `“${one}”`).join(", ")}.`;
export const blockedByConfig = (glob: string) =>
	`${glob} is blocked by the bridge's config, and only the config can change that.`;
export const notBlocked = (glob: string) => `${glob} is not blocked.`;
export const noBlocks = "Nobody is blocked.";
export const blockLine = (glob: string, since: string | undefined) =>
	since === undefined ? `${glob} (by the config)` : `${glob} (since ${since})`;

// Texts for events that a room cannot show natively.
export const correction = (text: string) => `Correction: ${text}`;
export const reacted = (emoji: string, quote?: string) =>
	quote === undefined ? `reacted with ${emoji}` : `reacted with ${emoji} to “${shortened(quote)}”`;
// Acts that no other network has, after the name of the person.
export const calls = (video: boolean) =>
	`is calling${video ? " by video" : ""}, but calls do not cross the bridge`;
export const changedTopic = (topic: string) => `changed the topic to: ${topic}`;
export const removedTopic = "removed the topic";
const moderates = {
	kick: "removed",
	ban: "banned",
	unban: "lifted the ban of",
	mute: "took the right to write from",
	unmute: "gave the right to write to",
} as const;
/** The act of a moderator upon a person, after the name of the moderator. */
export const moderated = (act: keyof typeof moderates, whom: string, reason: string | undefined) =>
	`${moderates[act]} ${speakerName(whom)}${reason ? ` (${shortened(reason)})` : ""}`;
/** The beginning of a text, on one line. */
export const shortened = (text: string) => {
	const line = [...text.replace(/\s+/g, " ").trim()];
	return line.length > 60 ? `${line.slice(0, 59).join("")}…` : line.join("");
};
/** The quoted message, for a reply without a reference to it. */
export const answered = (name: string | undefined, text: string) =>
	name ? `${speakerName(name)}: ${text}` : text;
/** The quoted message above the reply, as plain text. */
export const quoted = (name: string | undefined, text: string, said: string) =>
	`${signed(answered(name, text), "> ")}\n${said}`;
export const inThread = (of: string | undefined, said: string) =>
	of === undefined ? `(in a thread) ${said}` : `(in thread: ${shortened(of)}) ${said}`;
export const voted = (answers: readonly string[]) => `voted: ${answers.join(", ")}`;
export const pollEnded = (result: string) => `ended the poll. ${result}`;
const article = (thing: string) => (/^[aeiou]/.test(thing) ? `an ${thing}` : `a ${thing}`);
export const sentFile = (thing: string, name: string, caption?: string) =>
	[`sent ${article(thing)}: ${name}`, caption].filter(Boolean).join("\n");
export const sharedLocation = (name: string, uri: string) =>
	`is here: ${[name, placeLink(uri)].filter(Boolean).join(" ")}`;
/** Returns a geo URI without its uncertainty, which breaks the links of clients. */
export const placeLink = (uri: string) => uri.replace(/;u=[^;]*/i, "");
export const numbered = (question: string, options: readonly string[]) =>
	[question, ...options.map((option, index) => `${index + 1}. ${option}`)].join("\n");
export const startedPoll = (question: string, options: readonly string[]) =>
	`asks: ${numbered(question, options)}`;
/** The poll for people whose clients may have neither replies nor reactions. */
export const pollToVoteIn = (question: string, options: readonly string[]) =>
	`${startedPoll(question, options)}\n(To vote, write the number of an answer.)`;

// Stores.
export const noGhost = "too many people of one room or server are new here. Try again later.";
export const storeFull = "this bridge has no room for more people. Its admin can make some.";

// `check`: each thing that can fail, with its cure.
export const notReached = (what: string, cause: string) =>
	`${what} cannot be reached: ${cause}. Is it running, and is the address right?`;
export const healthSilent = (address: string, cause: string) =>
	`the running bridge does not answer at ${address}: ${cause}. If health.listen was changed, restart the bridge.`;
export const notAsked = (socket: string, cause: string) =>
	`a bridge runs on these stores and cannot be asked how it is (${socket}: ${cause}). Run “check” as the user of the bridge, on the same machine or in the same container.`;
export const otherConfig =
	"the bridge runs with another configuration than this file has. Restart it to use the file.";
export const storeNotMade = (folder: string) => `${folder} is not there yet: the first start makes it`;
export const storeInUse = (folder: string) => `${folder} is in use by the running bridge`;

// Reasons why the bridge cannot start.
export const nodeTooOld = (version: string) =>
	`Trivium needs Node 24.12 or newer; this is ${version}. README.md tells where to get it.`;
export const cannotListenThere = (address: string, cause: string) =>
	cause === "EADDRINUSE"
		? `Another program listens on ${address}. Stop it, or change the “listen” with this address in the config.`
		: `We cannot listen on ${address} (${cause}). Correct the “listen” with this address in the config.`;

// Media: reasons why a file did not cross.
const megabytes = (bytes: number) => `${Math.floor(bytes / 1_048_576)} MB`;
export const fileTooLarge = (limit: number) => `the file is too large: ${megabytes(limit)} is the most.`;
export const fileForbidden = "the bridge does not fetch files from such an address.";
export const fileNoAnswer = "the server that keeps the file does not answer.";
export const fileRefused = "the server that keeps the file does not give it out.";
export const fileGone = "the file is not there any more.";
/** The page in place of a file, by the status of the answer; empty where only a program asks so. */
export const noFileBecause = (status: number) =>
	new Map([
		[404, "There is no file at this link. Perhaps a part of the link is missing, or the file is gone."],
		[410, "This link leads nowhere any more: its message was deleted, or an admin ended the link."],
		[502, "The file cannot be fetched now. Please try again later."],
		[503, "Too many files are being fetched at once. Please try again in a few seconds."],
	]).get(status) ?? "";
export const notOurLink = "that is not a link to a file of this bridge.";
/** The revoked links, for the answer: those of a message, of a person, or to a file. */
export const ofThatMessage = "to the files of that message";
export const ofPerson = (who: string) => `to all files of ${who}`;
export const ofFile = (hash: string) => `to the file with the SHA-256 ${hash}, sent by anybody,`;
export const linksRevoked = (which: string) =>
	`Done: links ${which} lead nowhere from now on. Copies that people already have stay with them.`;
export const neverMet =
	"The bridge has not met this person in any room or chat, though: is the address right?";
export const didYouMean = (people: readonly string[]) => `Did you mean ${people.join(", or ")}?`;
export const noMessage = (id: string) =>
	`there is no message ${shortened(id)} in this room, so no link was ended. Say this in the room of the message, with its event id.`;
export const nobodyRevoked = (address: string) => `nobody has the address ${address}, so no link was ended.`;
/** The description of a picture, below its caption. */
export const shows = (alt: string) => `(it shows: ${alt})`;
export const onlyLink = (why: string) => `only a link to the file is shown there, because ${why}`;
export const onlyName = (why: string) => `only the name of the file is shown there, because ${why}`;
export const voiceMessage = "voice message";
export const fileDamaged = "the file is damaged: it is not the one that was sent.";
export const publicUnreachable = (url: string, cause: string) =>
	`${url} cannot be reached from here: ${cause}. Have the reverse proxy of that name pass /media/ on to public.listen, or correct public.url.`;
export const publicElsewhere = (url: string, status: number) =>
	`${url} leads to something else, which answers ${status}. Have the reverse proxy of that name pass /media/ on to public.listen, or correct public.url.`;
export const noPublic =
	"the file itself cannot be shown there, only its name: the bridge has no public address for files. Its admin can set one (public.url).";

// Dead letters, for admins.
export const laneFull = "too much waits to be delivered there already. Try again later.";
export const noneDead = "Everything was delivered.";
export const noneDeadHere = "Everything from and to this room was delivered. For all rooms ask me in a chat.";
export const deadHere = "Not delivered from or to this room, the latest first:";
export const deadIntro = (count: number) => `Not delivered: ${count}. The latest:`;
export const deadLine = (at: string, from: string, to: string, why: string) =>
	`${at} ${from} to ${to}: ${why}`;
export const revived = (count: number) =>
	count === 0 ? "There is nothing to deliver again." : `On the way again: ${count}.`;

// Results and refusals of `backup` and `restore`.
export const backupWritten = (folder: string) =>
	`Wrote ${folder}. It holds secrets: keep it as you keep the bridge's own files. It lacks the values that the config takes from the environment or from other files.`;
export const backupTaken = "Name a folder that is not there yet";
export const noStore = (folder: string) =>
	`There is nothing to back up: ${folder} holds no store. Run this in the working directory of the bridge, or correct store.directory.`;
export const noBackup = (folder: string, missing: string) =>
	`${folder} is not a backup: it has no ${missing}.`;
export const restoreInTheWay = (files: string) =>
	`Nothing was restored, for there is something already: ${files}. Move it away, with the bridge stopped, and run this again.`;
export const restored = (folder: string, config: string | undefined) =>
	`Restored the stores in ${folder}, and the registration${config ? `, and the config ${config}` : ""}. Two bridges must never run on copies of one store: is the other one stopped for good?`;
