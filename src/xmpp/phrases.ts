/** The sentences about XMPP that people are shown, and the general ones. */
export * from "../core/phrases.ts";

// The link to the XMPP server.
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
export const xmppUnproven = "the XMPP server has not answered a question of ours yet.";
export const xmppBareSilent = (component: string) =>
	`The XMPP server drops each question to an address without a resource, such as ${component} or a room, so that no room and no person can be looked up. ejabberd does so while mod_privilege is loaded, whatever it grants: remove mod_privilege from “modules” of every host in ejabberd.yml, and restart ejabberd.`;
export const xmppSilent = (component: string) =>
	`The XMPP server takes our questions and brings none of them back, not even one to our own address ${component}. In ejabberd, set “access: all” for the listener of ${component}: with any other rule it may drop what we and other people say there. Otherwise look into the log of the XMPP server.`;

// Texts in place of content that XMPP clients or the bridge cannot show.
export const encrypted =
	"(an encrypted message, which the bridge cannot read: please turn encryption off here)";
export const encryptedRefused =
	"The bridge cannot read encrypted messages, so nobody got this one. Please turn encryption off for this chat and send it again.";
// Acts in a message, after the name of the person.
export const invitesToCall = (link: string | undefined) =>
	link ? `invites to a call: ${link}` : "invites to a call, but calls do not cross the bridge";
export const wantsAttention = "wants your attention";
/** The status of an occupant whose person or device is not there. */
export const notThere = "offline";
export const sentForm = (title: string) =>
	`sent a form, which does not cross the bridge${title ? `: ${title}` : ""}`;
/** The answer to somebody who calls. */
export const callDeclined = "Calls do not cross the bridge. The person reads that you called.";
/** The fallback text of a retraction, for clients without retractions. */
export const retraction = "/me deleted an earlier message, but your client does not show that.";
/** The text that replaces a deleted message. */
export const deleted = "(deleted)";

// Reasons for an unreachable room or person.
export const notJid = (typed: string) =>
	`“${typed}” is not an XMPP address. An XMPP address looks like romeo@montague.example.`;
export const ownJid = (typed: string) => `“${typed}” is an address of this bridge itself.`;
export const noSuchServer = (domain: string) => `there is no XMPP server ${domain}, or it does not answer.`;
export const noSuchMuc = (room: string) => `there is no XMPP room ${room}.`;
export const jidOfMuc = (jid: string) =>
	`${jid} is an XMPP room, not a person. Say “join ${jid}” to come in.`;
export const notMuc = (address: string) => `${address} is not an XMPP room.`;
export const mucMembersOnly = (room: string, listener: string) =>
	`the XMPP room ${room} is for members only. One of its admins has to make ${listener} a member (most clients: the members in the settings of the room; Profanity: /affiliation set member ${listener}). Then try again.`;
export const mucNotMember = (room: string, listener: string, yours: string) =>
	`the XMPP room ${room} is for members only. One of its admins has to make ${listener} a member, for all who write here, or ${yours} for you alone.`;
export const mucMembersInside = (room: string, yours: string) =>
	`the XMPP room ${room} is for members only, and people are in its bridged room already. One of its admins has to make ${yours} a member, or somebody in the bridged room has to invite you.`;
export const mucNotEntered = (why: string) => `Nothing crosses between here and the XMPP room: ${why}`;
export const mucNoAccess = (service: string, component: string) =>
	`the XMPP server lets nobody of ${component} into the rooms of ${service}. Its admin has to allow that in the “access” of mod_muc.`;
export const mucTooMany = (room: string, jid: string) =>
	`the XMPP server lets nobody into so many rooms, so the bridge cannot enter ${room}. Its admin has to raise max_user_conferences of mod_muc; rooms for members share the one address ${jid}.`;
export const mucPassword = (room: string) =>
	`the XMPP room ${room} asks for a password. If you know it, say in a chat of two with the bot: join ${room} PASSWORD`;
export const mucWrongPassword = (room: string) => `the XMPP room ${room} does not take this password.`;
export const noSecretsKey =
	"this bridge keeps no passwords: its admin has to set store.secrets_key_file first. Change this password if others may have read it.";
export const mucBanned = (room: string) =>
	`the XMPP room ${room} has banned this name or this bridge. Its admins can lift that.`;
export const mucFull = (room: string) => `the XMPP room ${room} is full.`;
export const mucNoVoice = (room: string) =>
	`you may only read in the XMPP room ${room}. Its moderators can give you voice.`;
export const mucNoNick = (room: string) =>
	`the XMPP room ${room} accepts no form of this name. Choose another display name and try again.`;
export const mucNoDeletion = (room: string) =>
	`only a moderator of the XMPP room ${room} can delete what others wrote there, and you are not a moderator.`;
/** The refusals of the acts of moderators. */
const mucNoAct = (what: string) => (room: string) =>
	`only a moderator of the XMPP room ${room} can ${what} there, and neither you nor the bridge is a moderator with that right.`;
export const mucNoActs = {
	kick: mucNoAct("remove this person"),
	ban: mucNoAct("ban this person"),
	unban: mucNoAct("lift a ban"),
	mute: mucNoAct("take the right to write from this person"),
	unmute: mucNoAct("give this person the right to write"),
} as const;
export const mucNoAddress =
	"the XMPP room hides the address of this person from the bridge, so a moderator has to do it there.";
export const mucCannotDelete = (room: string) =>
	`the XMPP room ${room} has no way to delete what others wrote.`;
export const notYours = "what others wrote in a chat of two only they can delete.";
export const mucGone = (room: string, alternate: string | undefined) =>
	`the XMPP room ${room} was closed.${alternate ? ` It moved to ${alternate}.` : ""}`;

/** The settings of a MUC, as they are told when they change. */
export const mucSettings = {
	membersOnly: { on: "only its members may enter", off: "it is open to more than its members" },
	moderated: { on: "people need voice to write there", off: "everybody there may write" },
	password: { on: "it asks for a password", off: "it asks for no password" },
	archive: {
		on: "it keeps an archive",
		off: "it keeps no archive, so replies and reactions are shown in words, and messages during a long outage are lost",
	},
} as const;
export const mucChanged = (room: string, news: readonly string[]) =>
	`The settings of the XMPP room ${room} have changed: ${news.join("; ")}.`;
export const mucFollow = "Say “follow” to the bridge, as its other commands, and this room goes on there.";

/** Added to the answer about a block, of an account or of a server. */
export const mucHidesAddresses =
	"An XMPP room can hide its people's addresses from the bridge. There they can be blocked by nick: room@muc.example.org/Nick.";

// Notices about ghosts in a MUC.
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
/** Reasons for a removal of which the MUC gives the code alone. */
export const mucNoMember = "not a member any more";
export const mucNowMembersOnly = "the room is for members only now";
export const mucComeBackAsMember = (why: string) =>
	`${why} Its admins can grant membership. Then leave this room and join it again to return there.`;
export const mucComeBack = (why: string) => `${why} Leave this room and join it again to return there.`;
export const mucBannedBridge = (room: string) =>
	`The XMPP room ${room} has banned the bridge, so its link to this room has ended for good. Nothing crosses any more. If its owners lift the ban, the rooms can be linked again.`;
export const mucNotInYet = (room: string) =>
	`the bridge is not in the XMPP room ${room} yet, and goes on trying.`;
export const theBridge = "The bridge";

// Answers to people on XMPP.
export const xmppNoDelivery = (why: string) => `A message could not be delivered to this person: ${why}.`;
export const subscriptionRefused =
	"This person does not let you see whether they are online. You can write to each other all the same.";
/** The group of the ghosts in a roster that the bridge may write. */
export const rosterGroup = "Matrix";
export const xmppNoPrivate =
	"This address stands for no person, so nobody reads what is written to it in private. Please write in the room.";
export const mucInvitesAccounts =
	"the bridge does not know the address of this person, so nobody can invite them.";
export const isInMuc = (muc: string) => `this person is in the XMPP room ${muc} already.`;
export const mucMayNotInvite = (muc: string) =>
	`the XMPP room ${muc} does not let you invite people. Its admins can.`;
export const invitationDeclined = (name: string, reason: string) =>
	`${name} has declined the invitation${reason ? `: ${reason}` : "."}`;
export const noInvitations = "This address stands for nobody who could come into a room.";
/** The sentence with which a person of another network reads an invitation into a MUC. */
export const invitedBy = (name: string, muc: string, reason: string) =>
	`${name} invites you to ${muc}${reason ? `: ${reason}` : "."}`;
export const xmppNoRoom = "This is the address of a person. That of a room begins with # or !.";
export const xmppNotLookedUp =
	"The server of this address does not answer, so the bridge cannot tell whether it exists. Please try again later.";
export const xmppCrowded = "Too much waits here at once. Please send this again in a minute.";
export const xmppBroken =
	"The bridge failed on this. Please send it again, and tell its admin if it fails again.";
export const xmppNobody = "Nobody has this address.";
export const xmppStopping = "The bridge is just restarting. Please send this again in a minute.";

// Commands about a MUC.
export const aboutMuc = "Your room (the address of the MUC)";
export const whichMuc = "Please name the room that this is about, by its address.";
export const mucNotServed = (muc: string) =>
	`the bridge is not in ${muc}. Link that room from the other network first.`;
export const mucNotYours = (muc: string) =>
	`only owners and admins of ${muc} may do that, while they are in the room, and the room has to show the bridge who they are: let everybody see addresses there, or make the bridge's occupant Trivium a moderator.`;

// Finding people and rooms.
export const promptName = "Matrix address";
export const promptForAddress =
	"The address of a person or room on Matrix, such as @alice:example.org or #room:example.org.";
export const searchTitle = "People on Matrix";
export const searchInstructions =
	"Search for people on Matrix by a part of their name or address. Those to whom you may write are found.";
export const searchWords = "Name or address";
export const searchName = "Name";
export const searchAddress = "Address";
export const searchFor = "Search for";
export const searchAll = "All rooms, without a search";
export const searchInNames = "Search in names";
export const searchInDescriptions = "Search in descriptions";
export const searchInAddresses = "Search in addresses";
export const searchTypes = "Kinds of rooms";
export const searchMucs = "Multi-user chats";
export const searchOrder = "Order";
export const searchByUsers = "Number of people";
export const searchByAddress = "Address";
export const searchConflict = "All rooms, or those that have the words: please ask for one of the two.";
export const searchNothing = "Please give the words to search for, or ask for all rooms.";
export const searchTooLong = "Please search for ten words and 200 characters at most.";

// Private chats in a MUC.
export const privateNoRoom = (room: string) =>
	`the bridge does not serve the room ${room}, so nobody there can be written to.`;
export const privateGone = (room: string) =>
	`this person is not in the room ${room} now, and can be written to in private only while they are there.`;
export const privateOutside = (room: string) =>
	`only people who are in the room ${room} under a name of their own can write to others there in private. Write a message in the room first.`;
export const privateUnsure = (name: string, room: string) =>
	`the room ${room} does not tell whether the person called ${name} is still the same one. This chat goes on when they write to you.`;
export const privateEnded = (name: string, room: string) =>
	`${name} has left the room ${room}. This private chat has ended, and goes on if they come back.`;

// Answers of the archive of a room that is shown as a MUC.
export const archiveForMembers =
	"Only people in this room can read what was said in it. Join the room, and ask again.";
export const archiveBusy = "The bridge reads many archives just now. Please ask again in a moment.";
export const archiveSlow =
	"The server of this room is slow to say what was written in it. Please ask again in a moment.";
export const archiveTooManyIds = (most: number) => `Ask for at most ${most} messages by their ids at once.`;

// Rooms of the other network as MUCs of ours.
export const hostedInvitation = (name: string, title: string | undefined, room: string) =>
	`${name} invites you to ${title === undefined ? room : `${title} (${room})`}.`;
/** The name of a room without one: some of the people in it. */
export const hostedUnnamed = (names: readonly string[], all: number) =>
	`${names.join(", ")}${all > names.length ? ` and ${all - names.length} more` : ""}`;
export const hostedMayNotInvite = "You may not invite people to this room. Its admins can allow it.";
export const hostedIsIn = "This person is in the room already.";
export const hostedNotInvited = (jid: string, why: string) => `The invitation did not reach ${jid}: ${why}`;
export const hostedNoAnswer = "The client of this person does not answer.";
export const hostedNotYours = "Only the owners and admins of the room may do this.";
// The form of a room's owners.
export const formTitle = (room: string | undefined) =>
	room ? `Settings of ${room}` : "Settings of the room";
export const formName = "Name";
export const formTopic = "Description, which is also the subject";
export const formPersistent = "Keep the room when nobody of XMPP is in it?";
export const formPublic = "List the room in the public directory?";
export const formMembersOnly = "Let in only people who are invited or members?";
export const formModerated = "Let only people write who were given voice?";
export const formSubject = "Let everybody change the subject?";
export const formInvites = "Let everybody invite others?";
export const formLogging = "Let everybody read the messages without joining?";
export const formWhois = "Who can see the addresses of people";
export const formPrivate = "Who may write private messages";
export const formPasswordProtected =
	"Let people of XMPP in by a password? (People on Matrix need an invitation.)";
export const formPassword = "Password";
export const formNoPassword = "A password is missing, or it is longer than 256 characters.";
export const formMaxUsers = "The most people in the room";
export const formOwners = "Owners";
export const formAdmins = "Admins";
export const formAnyone = "everybody";
export const formParticipants = "everybody who may write in the room";
export const formModerators = "moderators";
export const formNobody = "nobody";
export const formNoLimit = "no limit";
export const hostedLocked = "This room is being made. Fill in its form first, or accept the usual settings.";
export const hostedAddressOfPerson = "This is the address of a person. Choose another one for the room.";
export const hostedNoSuchAddress = "No room can have this address. Letters, digits, “.” and “-” are fine.";
export const hostedTooManyLocked =
	"You are making other rooms already. Fill in their forms first, or leave them.";
export const hostedBeingMade = "The room is just being made. Try again in a moment.";
export const hostedNoPicture =
	"This is no picture that rooms can have. PNG, JPEG, GIF and WebP are fine, up to about 350 KiB.";
export const hostedNoPassword = "This room asks for a password, or an invitation from somebody in it.";
export const hostedFull = "This room has as many people as its owners allow. Try again later.";
export const hostedNoPrivate = "The owners of this room do not let everybody write private messages.";
export const hostedNotFinished = "The room was not finished in time, so it was not made.";
export const hostedCancelled = "The room was not made.";
export const hostedNotMadeHere =
	"The bridge has not made this room, so it cannot be ended from XMPP. Its people can do that on Matrix.";
export const formNotAnonymous =
	"Addresses cannot be hidden in this room: everybody on Matrix can see those of people on XMPP.";
export const hostedNotOwner = "Only the owners of the room may do this.";
export const hostedMembersOnlyNow = "Only members may be in this room now.";
export const hostedAbove = "This person stands as high in the room as you, or higher.";
export const hostedNoBanOfSelf = "Nobody can ban themselves.";
export const hostedLastOwner = "You are the only owner of the room. Make somebody else an owner first.";
export const hostedModeratorsAreAdmins =
	"In this room nobody but its admins can be a moderator. Make the person an admin instead.";
export const hostedDomainBanned = "The admins of this room have banned everybody on your server.";
export const hostedOwnPeople =
	"This is the address of everybody on the other side, who cannot be banned at once.";
export const hostedRecordFull = "The bridge cannot note more members, bans and nicks of this room.";
export const hostedJoinFirst =
	"Join the room first: a room by invitation has no members but the people in it.";
export const hostedRegisterTitle = "A nick of your own";
export const hostedRegister = "Choose the nick that belongs to you in this room, also while you are away.";
export const hostedNickIsYours = (nick: string) =>
	`The nick ${nick} belongs to you in this room. Remove the registration to give it up.`;
export const hostedRegistered = (nick: string) =>
	`You are a member of this room as ${nick}. Remove the registration to leave the room for good.`;
export const hostedNoNick = "Choose a nick for this room: its address ends with a slash and your nick.";
export const hostedLongNick = "This nick is too long. Choose a shorter one.";
export const hostedUnfitNick =
	"This nick has characters that not all clients can show in a nick, such as emoji. Choose another nick.";
export const hostedNickTaken =
	"Somebody in this room has this nick, or one that looks like it. Choose another nick.";
export const hostedUnknown =
	"There is no such room. The address of a room looks like #alias%matrix.example.org@, followed by the address of this bridge.";
export const hostedSlow =
	"The server of this room is slow to answer. The bridge goes on trying: join again in a minute.";
export const hostedTooMany = "Your clients are in too many rooms of this bridge. Leave some of them first.";
export const hostedNotJoined = "Your client is not in this room any more. Join it again.";
export const hostedEnded =
	"An admin has ended the link of this room to XMPP. If it is linked to another XMPP room soon, you are sent there when you join again.";
export const hostedMoved = "This room has moved.";
export const hostedLinked = (room: string) => `This room is joined to the XMPP room ${room}. Join that one.`;
export const hostedLost = "The bridge lost the link to your client. Join again.";
export const hostedStopping = "The bridge is just restarting. Your client joins again by itself.";
export const hostedSilent = "Your client does not answer any more.";
// Lines and requests in a room of the other network.
export const hostedEncryptedLine =
	"The bridge cannot read encrypted messages, so nobody got this one. Please turn encryption off in your client's settings of this room (OMEMO, OpenPGP), and send it again.";
export const hostedNoVoice =
	"You may only read in this room. Its moderators on the other side can give you the right to write.";
export const hostedNoSubject =
	"Only some people of this room may change its subject, and you are not one of them.";
export const hostedStraySubject =
	"A change of the subject has neither a text nor a thread. Send the subject alone.";
export const hostedNoModerator =
	"Only a moderator of this room can delete what others wrote, and you are not a moderator.";
export const hostedNoSuchLine = "This room has no such message.";
export const hostedSlowLine =
	"The server of this room does not answer. Look into the room in a moment, since it may still take this.";
export const hostedNoSuchOccupant = "Nobody in this room has this nick.";
export const hostedToRoom = "Your client has to send this to the room as a message for all (groupchat).";
export const hostedToOneOccupant = "Write to the room, or send this to one person as a private message.";
export const hostedAwayOccupant =
	"This person is in the room with no client now. Write to their own address.";
export const hatOfCreator = "Creator";
export const hatOfPower = (level: number) => `Power ${level}`;
export const hostedVoiceTitle = "Request for voice";
export const hostedVoiceAsked = (nick: string) => `${nick} asks for the right to write in this room.`;
export const hostedVoiceRole = "Requested role";
export const hostedVoiceNick = "Nick";
export const hostedVoiceAllow = "Give this person the right to write?";
export const hostedVoiceByLevel =
	"The moderators of this room give the right to write by its power levels on the other side. Ask one of them.";

/** Above the form of an ad-hoc command. */
export const commandForm = (help: string) => `${help.charAt(0).toUpperCase()}${help.slice(1)}.`;

// `check`: each thing that can fail, with its cure.
export const componentAt = (component: string, service: string) => `${component} at ${service}`;
export const componentHeld = (component: string, service: string) =>
	`${component} at ${service}, held by the running bridge`;
export const xmppRefused = (cause: string) => `the XMPP server ended the stream: ${cause}`;
export const componentNotReached = (service: string, cause: string) =>
	`${service} cannot be reached: ${cause}. Is the XMPP server running, and is the address right? Prosody listens there only once it has the component in its configuration, and was restarted.`;
export const noComponentPort = (service: string, cause: string) =>
	`${service} does not take us as a component: ${cause}. It must be the port for components (XEP-0114; 5347 on most servers), not that for clients.`;
export const serviceSilent = (jid: string) =>
	`the service ${jid} of the XMPP server does not answer us. Look into the log of the XMPP server.`;
export const filesUploaded = "files go to the upload service of the XMPP server";
export const filesByNameOnly = (component: string) =>
	`people on XMPP read the names of files only. Set public.url, or let ${component} use the upload service: in Prosody http_file_share_access = { "${component}" }, in ejabberd the “access” of mod_http_upload.`;
export const stanzaLimit = (bytes: number) =>
	`the XMPP server ends the stream at a stanza of ${bytes} bytes, such as a long message: each one would cut the bridge off. Set component_stanza_size_limit (Prosody) or max_stanza_size of the listener (ejabberd) to 524288 at least.`;
export const linkSlow = (bytes: number) =>
	`the XMPP server does not bring ${bytes} bytes back within seconds. Take the “shaper” or “shaper_rule” off the listener of the component (ejabberd).`;
export const maybeClientPort = (service: string) =>
	`If it has, ${service} is not its port for components (5347 on most servers).`;
