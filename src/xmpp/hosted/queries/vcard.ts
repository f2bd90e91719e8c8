import { image } from "../../../media/image.ts";
import { photoBytes, photoOf } from "../../photo.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { xml } from "../../stream/xml.ts";
import { ownedBy } from "../owner/owned.ts";
import { untilShown } from "../until-shown.ts";
import type { RoomQuery } from "./query.ts";
import { nameOf } from "./room-info.ts";

const ns = "vcard-temp";

/** Gives the picture of a room (XEP-0486 §3.4). */
const reading: RoomQuery = {
	type: "get",
	name: "vCard",
	ns,
	features: [ns],
	async answer({ place: { facts } }, { pictures }) {
		const picture = facts.picture ? await pictures.get(facts.picture) : undefined;
		const name = nameOf(facts);
		// XEP-0054 §3.1
		if (!picture && name === undefined) throw new StanzaError("item-not-found", "cancel");
		return xml(
			"vCard",
			{ xmlns: ns },
			name === undefined ? undefined : xml("FN", {}, name),
			picture && photoOf(picture),
		);
	},
};

/** Takes the picture that an owner gives a room; an empty vCard takes it away (XEP-0486 §3.2). */
const publishing: RoomQuery = {
	type: "set",
	name: "vCard",
	ns,
	features: [],
	async answer(question, context) {
		const { by, facts, room } = await ownedBy(question, context);
		const bytes = photoBytes(question.payload);
		const found = bytes && image(bytes);
		if (question.payload.getChild("PHOTO") && !found)
			throw new StanzaError("not-acceptable", "modify", phrases.hostedNoPicture);
		const picture = bytes && found && { type: found.mime, bytes };
		const before = room?.facts.picture;
		await context.bridge().views.source(context.of).setPicture(facts.room, by, picture);
		// The next query of a client reads the picture that this one has set.
		if (room && (picture || before !== undefined)) await untilShown(() => room.facts.picture !== before);
		return undefined;
	},
};

export const vcard: readonly RoomQuery[] = [reading, publishing];
