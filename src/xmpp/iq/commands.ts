import { randomUUID } from "node:crypto";
import { wordsFor } from "../../core/command-parameters.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import { type Element, xml } from "../stream/xml.ts";
import { commandForm, mucIn, submitted } from "./command-form.ts";
import type { Query } from "./query.ts";

export const COMMANDS = "http://jabber.org/protocol/commands";

/** Runs the bot's commands as ad-hoc commands (XEP-0050). A session holds nothing: the submitted form has all. */
export const commands: Query = {
	type: "set",
	name: "command",
	ns: COMMANDS,
	where: ["host", "bot"],
	features: [COMMANDS],
	async answer({ payload, from }, { adHoc }) {
		const { node, action = "execute", sessionid = randomUUID() } = payload.attrs;
		const command = adHoc?.list(from).find(({ name }) => name === node);
		if (!adHoc || !command) throw new StanzaError("item-not-found", "cancel");
		const answer = (status: string, ...children: readonly (Element | undefined)[]) =>
			xml("command", { xmlns: COMMANDS, node, sessionid, status }, ...children);
		if (action === "cancel") return answer("canceled");
		// XEP-0050 §4.3: there is one step, so there is none before it.
		if (!["execute", "next", "complete"].includes(action)) throw new StanzaError("bad-request", "modify");
		const { name, help, parameters, ofRoom = false } = command;
		const values = submitted(payload, parameters);
		if ((parameters.length > 0 || ofRoom) && !values) {
			const actions = xml("actions", { execute: "complete" }, xml("complete"));
			return answer("executing", actions, commandForm(name, phrases.commandForm(help), parameters, ofRoom));
		}
		const muc = ofRoom ? mucIn(payload) : undefined;
		// XEP-0004 §3.2: a required field has a value.
		if (ofRoom && muc === undefined) throw new StanzaError("bad-request", "modify", phrases.whichMuc);
		const text = [name, wordsFor(parameters, values ?? [])].filter(Boolean).join(" ");
		const said = await adHoc.run(from, text, muc);
		return answer("completed", xml("note", { type: "info" }, said));
	},
};
