/** Every sentence a person can be shown, in one place: plain words, the cause, and the cure where there is one. */

/** A line said by somebody who has no account of their own where it is shown. */
export const relayed = (name: string, text: string) => `${name}: ${text}`;
/** A thing's value where things have no display of their own. */
export const value = (label: string, text: string | null) =>
	text === null ? `${label}: (cleared)` : `${label}: ${text}`;

// Refusals: what the sender of an undeliverable message reads.
export const notDelivered = (target: string, why: string) => `Not delivered to ${target}: ${why}`;
export const blocked = "you are blocked on this bridge. Its admin can lift that.";
export const unreachable = "they take no messages from this bridge.";
export const notAllowed = (what: string) => `you may not ${what} on this bridge. Its admin can allow it.`;
export const tooFast = "too many messages at once. Wait a minute and go on more slowly.";
export const tooManyChats = "too many new chats at once. Wait an hour, or have the other side write first.";
export const onlyKnown = "they use another server than ours, so they have to write to you first.";
export const unlinked = "this room is no longer linked there.";
export const expired = "it could not be delivered for a day and was given up.";
export const unconfirmed =
	"for a day nobody there confirmed that it arrived, so it was given up. It may be there.";
export const brokenHere = "the bridge failed on this message. Its log names the cause.";

// Commands.
export const unknownCommand = (name: string) =>
	`There is no command “${shortened(name)}”. Say “help” for the list.`;
export const helpLine = (name: string, usage: string, help: string) =>
	`${[name, usage].filter(Boolean).join(" ")} – ${help}`;
export const helpIntro = "What I can do here:";
export const commandUsage = (name: string, usage: string) =>
	`I did not understand that. Say: ${name} ${usage}`;
export const chatOpened = (name: string) => `Your chat with ${name} is ready: look for the invitation.`;
export const joined = (name: string) => `${name} is bridged: look for the invitation.`;
export const linked = (name: string) => `Linked to ${name}. What is said here now goes there, and back.`;
export const alreadyLinked = (title: string, name: string) =>
	`this room is linked to ${name} already, and a room can have one link to ${title}. Say “unlink” first.`;
export const linkedElsewhere = (name: string) => `${name} is linked to another room already.`;
export const notLinked = (title: string) => `This room has no link to ${title}.`;
export const unlinkedNow = (title: string) => `Unlinked from ${title}. Our people have left there.`;
export const guardedRooms = (title: string) => `only an admin of this bridge can open ${title} to a room.`;
export const noPower = "you need the right to change this room's settings for that. Its admin can grant it.";
export const unknownNetwork = (name: string, known: string) => `I know no network “${name}”, only ${known}.`;
export const nobody = (address: string) => `nobody has the address ${address}.`;
export const settingLine = (name: string, value: string | undefined) =>
	`${name}: ${value ?? "as the room is able to"}`;
export const mirrorOfConfig =
	"topics of this room are mirrored by the bridge's config. Its admin can end that.";
export const noPortal = "This room is not bridged.";
export const statusLine = (title: string, room: string, role: string) => `${title}: ${room} (${role})`;
export const waitingLine = (count: number) =>
	count === 0 ? "Nothing is waiting." : `${count} messages are waiting.`;
export const unlinkedTarget = "the other side";
export const commandFailed = (why: string) => `That did not work: ${why}`;

// The XMPP link.
export const refused = (condition: string) => `the other side refused it (${condition}).`;
export const stanzaTooLarge = (bytes: number, limit: number) =>
	`it is too large for the XMPP server: ${bytes} bytes, and ${limit} is the limit.`;
export const xmppSecretRefused = (component: string) =>
	`The XMPP server refuses our secret for ${component}. Set xmpp.secret to the component_secret of Prosody, or to the password ejabberd's listener has for this very host.`;
export const xmppHostUnknown = (component: string) =>
	`The XMPP server has no component ${component}. Add the lines that “register” prints to its configuration, or correct xmpp.component.`;
export const xmppConflict = (component: string) =>
	`Another connection to the XMPP server already is ${component}. Stop the other bridge; if there is none, set component_conflict_resolve = "kick_old" for it in Prosody, and a dead connection no longer keeps its place.`;

export const xmppShared = (component: string) =>
	`Another connection to the XMPP server is ${component} as well, and gets a share of what is meant for us. Stop the other bridge; if there is none, close our old connection at the XMPP server.`;

// XMPP: what cannot be shown as it was said.
export const encrypted =
	"(an encrypted message, which the bridge cannot read: please turn encryption off here)";
export const encryptedRefused =
	"The bridge cannot read encrypted messages, so nobody got this one. Please turn encryption off for this chat and send it again.";
export const correction = (text: string) => `Correction: ${text}`;
export const reacted = (emoji: string, quote?: string) =>
	quote === undefined ? `reacted with ${emoji}` : `reacted with ${emoji} to “${shortened(quote)}”`;
/** The beginning of a text, on one line. */
const shortened = (text: string) => {
	const line = [...text.replace(/\s+/g, " ").trim()];
	return line.length > 60 ? `${line.slice(0, 59).join("")}…` : line.join("");
};
/** What is answered, where nothing can point at it. */
export const answered = (name: string | undefined, text: string) => (name ? `${name}: ${text}` : text);
/** The same above the answer, in words alone. */
export const quoted = (name: string | undefined, text: string, said: string) =>
	`${answered(name, text).replace(/^/gm, "> ")}\n${said}`;
export const inThread = (of: string | undefined, said: string) =>
	of === undefined ? `(in a thread) ${said}` : `(in thread: ${shortened(of)}) ${said}`;
export const voted = (answers: readonly string[]) => `voted: ${answers.join(", ")}`;
export const pollEnded = (result: string) => `ended the poll. ${result}`;
/** What clients that cannot take a message back show instead. */
export const retraction = "/me deleted an earlier message, but your client does not show that.";
/** In place of a message that was deleted. */
export const deleted = "(deleted)";
export const relayedEmote = (name: string, text: string) => `* ${name} ${text}`;

// XMPP: why a room or a person cannot be reached.
export const notJid = (typed: string) =>
	`“${typed}” is no XMPP address. They look like romeo@montague.example.`;
export const ownJid = (typed: string) => `“${typed}” is an address of this bridge itself.`;
export const noSuchServer = (domain: string) => `there is no XMPP server ${domain}, or it does not answer.`;
export const noSuchMuc = (room: string) => `there is no XMPP room ${room}.`;
export const notMuc = (address: string) => `${address} is no XMPP room.`;
export const mucMembersOnly = (room: string) =>
	`the XMPP room ${room} is for members only. One of its admins has to open it first.`;
export const mucPassword = (room: string) =>
	`the XMPP room ${room} asks for a password, which the bridge cannot give yet.`;
export const mucBanned = (room: string) =>
	`the XMPP room ${room} has banned this name or this bridge. Its admins can lift that.`;
export const mucFull = (room: string) => `the XMPP room ${room} is full.`;
export const mucNoVoice = (room: string) =>
	`you may only read in the XMPP room ${room}. Its moderators can give you voice.`;
export const mucNoNick = (room: string) =>
	`the XMPP room ${room} accepts no form of this name. Choose another display name and try again.`;
export const mucNoDeletion = (room: string) =>
	`only a moderator of the XMPP room ${room} can delete what others wrote there, and you are none.`;
export const mucCannotDelete = (room: string) =>
	`the XMPP room ${room} has no way to delete what others wrote.`;
export const notYours = "what others wrote in a chat of two only they can delete.";
export const mucGone = (room: string, alternate: string | undefined) =>
	`the XMPP room ${room} was closed.${alternate ? ` It moved to ${alternate}.` : ""}`;
export const mucMissed =
	"Not all that is said in the XMPP room comes through: too many messages at once. They can be read there.";
export const mucGap = "Some of what was said in the XMPP room while the bridge was away may be missing here.";
export const mucNotAnswering = (room: string) => `the XMPP room ${room} does not answer.`;
export const mucRemoved = (
	name: string,
	room: string,
	how: "kicked" | "banned" | "removed",
	by: string | undefined,
	reason: string | undefined,
) => `${name} was ${how} from the XMPP room ${room}${by ? ` by ${by}` : ""}${reason ? ` (${reason})` : ""}.`;
export const mucComeBack = (why: string) => `${why} Leave this room and join it again to return there.`;
export const theBridge = "The bridge";
export const xmppNoDelivery = (why: string) => `A message could not be delivered to this person: ${why}.`;
export const xmppNoPrivate =
	"Private messages to people from the other side are not bridged yet. Please write in the room, or to their own address.";
export const xmppNoInvite = "Invitations are not bridged yet.";
export const xmppNoHosted = "The bridge cannot make XMPP rooms yet. Link an existing one instead.";
export const xmppNoHostedRoom = "The bridge has no rooms of its own yet.";
export const xmppNobody = "Nobody has this address.";
export const xmppStopping = "The bridge is just restarting. Please send this again in a minute.";
export const xmppStrangers = "One cannot open a chat with somebody known from a room only.";

// Matrix: words for what has no form of its own elsewhere yet, and answers to people there.
const article = (thing: string) => (/^[aeiou]/.test(thing) ? `an ${thing}` : `a ${thing}`);
export const sentFile = (thing: string, name: string, caption?: string) =>
	[`sent ${article(thing)}: ${name}`, caption].filter(Boolean).join("\n");
export const sentSticker = (name: string) => `sent a sticker: ${name}`;
export const sharedLocation = (name: string, uri: string) =>
	`is here: ${[name, uri].filter(Boolean).join(" ")}`;
export const numbered = (question: string, options: readonly string[]) =>
	[question, ...options.map((option, index) => `${index + 1}. ${option}`)].join("\n");
export const startedPoll = (question: string, options: readonly string[]) =>
	`asks: ${numbered(question, options)}`;
export const pollResult = (answers: readonly Readonly<{ text: string; votes: number }>[]) =>
	answers.map(({ text, votes }) => `${text}: ${votes}`).join(", ");
export const longMessage = (start: string) => `${start}\n… (all of it is in the attached file)`;
export const encryptedRoom =
	"this room is encrypted, which the bridge cannot read. Use a room without encryption.";
export const encryptedChat =
	"this chat is encrypted, which the bridge cannot read. You are invited to a new one without encryption: please say it again there.";
export const encryptedLeft = "This chat is encrypted; it goes on in another one.";
export const homeserverRefused = (why: string) => `the Matrix server refused it: ${why}`;
export const noMatrixAddress = (text: string) =>
	`“${text}” is no Matrix address. One looks like @alice:example.org, a room #lobby:example.org.`;
export const noMatrixRoom = (address: string) => `there is no Matrix room ${address}.`;
export const nobodyName = "nobody";
export const onlyDirect = "I can be invited to a chat of two only.";
export const notReachable = "the other network cannot be reached. Try again later.";

// Stores.
export const storeFull = "this bridge has no room for more people. Its admin can make some.";

// MQTT: values, and what becomes of a `pub`.
export const binaryValue = (bytes: number, head: string) => `${bytes} bytes, no text (${head}…)`;
export const longValue = (start: string, bytes: number) => `${start}… (${bytes} bytes in all)`;
export const publishedTo = (topic: string) => `Published to ${topic}.`;
export const nobodyListens = (topic: string) => `Published to ${topic}, but nobody is listening there.`;
export const notPublishable = (topic: string) =>
	`“${topic}” cannot be published to: a topic has no + or #, does not begin with $, and is not empty.`;
export const notFilter = (typed: string) =>
	`“${typed}” is no topic filter. They look like home/+/temperature, where + is one whole level and # all the rest.`;
export const valueTooLarge = (bytes: number, limit: number) =>
	`the value has ${bytes} bytes, and ${limit} is the limit.`;
export const whichBroker = (names: string, example: string) =>
	`there are several brokers (${names}), so begin the topic with one: ${example}/…`;
export const brokerAway = (name: string) =>
	`the broker ${name} cannot be reached now. Try again in a minute.`;
export const brokerLost = (name: string) =>
	`the connection to the broker ${name} broke before it answered; it may or may not have taken the value.`;
export const brokerRefused = (code: number) =>
	`the broker refused it: ${brokerReasons[code] ?? `reason code 0x${code.toString(16)}`}.`;
export const mqttReadOnly = "things on MQTT are written to with “pub” only.";
/** MQTT 5 §2.4, those a person can do something about. */
const brokerReasons: Readonly<Record<number, string>> = {
	128: "it gives no reason",
	131: "it does not accept that there",
	132: "it speaks another MQTT version. Set “protocol” of this broker to the other one",
	133: "it does not accept our client_id. Set another one",
	134: "user name or password are wrong. Correct “url” and “password” of this broker",
	135: "we are not authorised. Allow it in the broker's access list, or correct user and password",
	136: "it is unavailable",
	137: "it is busy",
	138: "we are banned there",
	139: "it is shutting down",
	142: "another client uses our client_id. Stop it, or give this bridge a client_id of its own",
	143: "it does not accept this topic filter",
	144: "it does not accept this topic",
	149: "it is too large for it",
	151: "a quota is exceeded",
	153: "it does not accept this kind of value",
	155: "it does not do QoS 1",
	159: "too many connections at once",
	162: "it does not do wildcards. Name the topics one by one",
};

// `check`: each thing that can fail, with its cure.
export const notReached = (what: string, cause: string) =>
	`${what} cannot be reached: ${cause}. Is it running, and is the address right?`;
export const notMatrix = (url: string, status: number) =>
	`${url} answers (${status}), but not as a Matrix server. Correct matrix.homeserver.`;
export const noRegistration = (file: string) =>
	`${file} cannot be read. Write it with “register”, and add it to the homeserver's configuration.`;
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
export const pingUnknown = "the homeserver has no way to be asked whether it reaches us";
export const bridgeRunning = (pid: number | undefined) =>
	`not tried: the bridge is running${pid === undefined ? "" : ` (process ${pid})`} and holds it`;
export const xmppRefused = (cause: string) => `the XMPP server ended the stream: ${cause}`;
export const componentNotReached = (service: string, cause: string) =>
	`${service} cannot be reached: ${cause}. Is the XMPP server running, and is the address right? Prosody listens there only once it has the component in its configuration, and was restarted.`;
export const noComponentPort = (service: string, cause: string) =>
	`${service} does not take us as a component: ${cause}. It must be the port for components (XEP-0114; 5347 on most servers), not that for clients.`;
export const maybeClientPort = (service: string) =>
	`If it has, ${service} is not its port for components (5347 on most servers).`;
export const brokerNotTrusted = (cause: string) =>
	`its certificate is not trusted: ${cause}. Name the authority that signed it as “ca” of this broker.`;
export const brokerNoTls =
	"it does not speak TLS on this port. Use mqtt: instead of mqtts:, or the port for TLS (8883 on most brokers).";
export const brokerNeedsTls =
	"it hung up without a word. If this is its port for TLS, use mqtts: instead of mqtt:.";
export const brokerNoQos1 = "it does QoS 0 only, so values would be lost. Allow QoS 1 there.";
export const brokerLimits = (limits: Readonly<Record<string, string | number | boolean>>) =>
	Object.entries(limits)
		.map(([name, value]) => `${name} ${value}`)
		.join(", ");
export const storeNotWritable = (folder: string, cause: string) =>
	`${folder} cannot be written to (${cause}). Give it to the user the bridge runs as, or change store.directory.`;
export const storeInUse = (folder: string) => `${folder} is in use by the running bridge`;

// Starting: why the bridge cannot.
export const nodeTooOld = (version: string) =>
	`Trivium needs Node 24.12 or newer; this is ${version}. README.md tells where to get it.`;
export const cannotListenThere = (address: string, cause: string) =>
	cause === "EADDRINUSE"
		? `Another program listens on ${address}. Stop it, or change the “listen” with this address in the config.`
		: `We cannot listen on ${address} (${cause}). Correct the “listen” with this address in the config.`;

// `register`: what it did, and what to do next.
export const registrationWritten = (file: string) => `Wrote ${file}, with new tokens.`;
export const registrationKept = (file: string) =>
	`${file} is there already and fits the configuration: kept as it is.`;
export const registrationUpdated = (file: string, why: string) =>
	`Updated ${file}: ${why}. The tokens are the same as before.`;
export const registrationBroken = (file: string, why: string) =>
	`${file} is there already, but ${why} Move it away, and run this again.`;

// Media: why a file did not cross.
const megabytes = (bytes: number) => `${Math.floor(bytes / 1_048_576)} MB`;
export const fileTooLarge = (limit: number) => `the file is too large: ${megabytes(limit)} is the most.`;
export const fileForbidden = "the bridge does not fetch files from such an address.";
export const fileNoAnswer = "the server that keeps the file does not answer.";
export const fileRefused = "the server that keeps the file does not give it out.";
export const fileGone = "the file is not there any more.";
export const notOurLink = "that is no link to a file of this bridge.";
export const linksRevoked =
	"Done: these links lead nowhere from now on. Copies people already have are theirs.";
/** What a file shows, below what is said of it. */
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

// Dead letters: what could not be delivered, for admins.
export const laneFull = "too much waits to be delivered there already. Try again later.";
export const noneDead = "Everything was delivered.";
export const deadIntro = (count: number) => `Not delivered: ${count}. The latest:`;
export const deadLine = (at: string, from: string, to: string, why: string) =>
	`${at} ${from} to ${to}: ${why}`;
export const revived = (count: number) =>
	count === 0 ? "There is nothing to deliver again." : `On the way again: ${count}.`;

// `backup` and `restore`: what they did, or why not.
export const backupWritten = (folder: string) =>
	`Wrote ${folder}. It holds secrets: keep it as you keep the bridge's own files. What the config reads from the environment or from other files is not in it.`;
export const noBackup = (folder: string, missing: string) => `${folder} is no backup: it has no ${missing}.`;
export const restoreInTheWay = (files: string) =>
	`Nothing was restored, for there is something already: ${files}. Move it away, with the bridge stopped, and run this again.`;
export const restored = (folder: string, config: string | undefined) =>
	`Restored the stores in ${folder}, and the registration${config ? `, and the config ${config}` : ""}. Two bridges must never run on copies of one store: is the other one stopped for good?`;
