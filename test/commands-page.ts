import { format } from "node:util";
import type { Running } from "../src/core/bridge.ts";
import type { Command } from "../src/core/command.ts";
import { usage } from "../src/core/command-parameters.ts";
import { revoke } from "../src/media/revoke.ts";
import { createMqtt } from "../src/mqtt/index.ts";
import { createMemoryMapping } from "../src/store/memory.ts";
import { bridgeOf, rulesFor } from "./bridge.ts";
import { fakeNetwork, quiet } from "./fakes.ts";

/** Returns all commands of a bridge with every part of the config, as an admin on a network may use them. */
export function declaredCommands(on: "matrix" | "xmpp" = "matrix"): readonly Command[] {
	const xmpp = fakeNetwork("xmpp", { commandsAlone: true, createRoom: undefined as never });
	const matrix = fakeNetwork("matrix");
	const { commands, linkUsage } = createMqtt(
		{ brokers: {}, mirrors: [] },
		{ mapping: createMemoryMapping(), log: quiet },
	);
	const mqtt = fakeNetwork("mqtt", { commands, linkUsage });
	const bridge: Running = bridgeOf([matrix, xmpp, mqtt], rulesFor({ "*": "admin" }), {
		commands: [revoke({ links: { revoke: async () => undefined }, bridge: () => matrix.bridge })],
	});
	return bridge.commandsFor((on === "matrix" ? matrix : xmpp).person("admin"));
}

const rights = {
	block: "nobody",
	use: "`use`",
	link: "`link`, and the right to change the room",
	admin: "`admin`",
};
const escaped = (text: string) => text.replaceAll("|", "\\|");

/** Returns the page docs/commands.md. */
export function commandsPage(): string {
	const rows = declaredCommands().map(
		({ name, parameters, help, level, private: alone, offered, ofRoom }) => {
			const can = offered?.({ openDirect: true }) ?? true;
			const onXmpp = !can ? "–" : ofRoom ? "form" : "yes";
			const who = level === "link" || level === "use" ? rights[level] : rights.admin;
			const say = escaped([name, usage(parameters)].filter(Boolean).join(" "));
			return format(
				"| `%s` | %s%s | %s | %s |",
				say,
				escaped(help),
				alone ? " (in a chat with the bot only)" : "",
				who,
				onXmpp,
			);
		},
	);
	return `# Commands

*A test writes this page from the declared commands (\`test/docs.test.ts\`).*

**On Matrix** invite the bot (\`@trivium:your.server\`). In a room each command begins with \`!bridge\`, or with the
[prefix](configure.md#matrix) of your config; in a chat of two with the bot it needs none. **On XMPP** write to
\`trivium@bridge.example.org\`, the bot's name at your component, without a prefix, or use the ad-hoc commands of your client.
\`help\` lists the commands that you may use. Commands marked with “form” change a MUC that the bridge is in: they are ad-hoc
commands alone, whose form asks for the MUC. Its owners and admins may give them, while they are in the MUC and it shows the
bridge who they are: let everybody see addresses there, or make the bridge's occupant “Trivium” a moderator.

| say | to | who may | on XMPP |
|---|---|---|---|
${rows.join("\n")}

You replace the words in capitals, may leave out the parts in \`[…]\`, and of words with \`|\` between them one is
meant. \`link\` and \`unlink\` find the network by themselves where only one is possible. A Matrix room
reads that its link was ended on XMPP.
The options of \`link mqtt\` mean the same as in [a mirror of the config](configure.md#mqtt).

**Addresses** may be pasted in any form: \`romeo@example.org\`, \`xmpp:garden@muc.example.org?join\`, \`@alice:example.org\`,
\`#lobby:example.org\`, a matrix.to link, a \`matrix:\` URI, a pill, the address of a ghost; in brackets or quotes, and with a full
stop behind it.

**Quotes** hold words together: \`!bridge pub "a/Living Room/set" ON\`. Within quotes \`\\"\` is a quote and \`\\\\\` a backslash. The last
address and the value of \`pub\` need none: they are all that is left of the line, and the value is sent just as typed.

**Rights** are those of [permissions](operate.md#who-may-do-what); each level has those of the levels before it. On Matrix the right to
change a room is the power level for its settings. In a room that the bridge made, nobody has that: there everybody with the
permission \`link\` may use \`settings\`, and admins alone \`link\` and \`unlink\`.
`;
}
