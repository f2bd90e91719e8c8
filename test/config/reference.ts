import schema from "../../config/schema.json" with { type: "json" };

type Node = {
	enum?: readonly string[];
	default?: unknown;
	description?: string;
	required?: readonly string[];
	properties?: Record<string, Node>;
	additionalProperties?: boolean | Node;
	items?: Node;
	refused?: string;
	$ref?: string;
};

const sections = schema.properties as unknown as Record<string, Node>;
const rate = (schema.definitions as unknown as Record<string, Node>).rate?.properties ?? {};

/** Returns a value as it is written in the config. */
function yaml(value: unknown): string {
	if (Array.isArray(value)) return value.length === 0 ? "none" : `\`[${value.join(", ")}]\``;
	if (typeof value !== "object" || value === null) return `\`${value}\``;
	const fields = Object.entries(value).map(([key, one]) => `${key}: ${one}`);
	return `\`{ ${fields.join(", ")} }\``;
}

function row(path: string, node: Node, required: boolean): string {
	const fallback = node.default === undefined ? (required ? "required" : "") : yaml(node.default);
	const values = node.enum && `One of: ${node.enum.map((value) => `\`${value}\``).join(", ")}.`;
	const meaning = [node.description, values].filter(Boolean).join(" ");
	return `| \`${path}\` | ${fallback} | ${meaning.replaceAll("|", "\\|")} |`;
}

/** Returns every option below a section, in the order of the schema. */
function rows(node: Node, path: string): string[] {
	return Object.entries(node.properties ?? {}).flatMap(([key, one]) => {
		if (one.refused) return [];
		const here = `${path}.${key}`;
		const own = one.properties ? [] : [row(here, one, node.required?.includes(key) ?? false)];
		const named = typeof one.additionalProperties === "object" ? one.additionalProperties : {};
		return [
			...own,
			...rows(one, here),
			...rows(one.items ?? {}, `${here}[]`),
			...rows(named, `${here}.NAME`),
		];
	});
}

function section(name: string, node: Node): string {
	const options = rows(node, name);
	const rates = Object.values(node.properties ?? {}).some(({ $ref }) => $ref);
	const parts = Object.entries(rate).map(([key, { description }]) => `\`${key}\` (${description})`);
	return [
		`## ${name}`,
		`${node.description}${schema.required.includes(name) ? " Required." : ""}`,
		rates && `Each is ${parts.join(" and ")}.`,
		options.length > 0 && ["| option | default | meaning |", "|---|---|---|", ...options].join("\n"),
		notes[name],
	]
		.filter(Boolean)
		.join("\n\n");
}

const notes: Record<string, string> = {
	permissions: `In a glob \`*\` is any run of characters. It is held against MXIDs (\`@alice:example.org\`), JIDs
(\`romeo@montague.example\`), occupants of rooms (\`room@muc.example.org/Nick\`), topics, and the servers of all these. Of
several that match, the one with most letters of its own wins. Each level includes those before it:

| level | may |
|---|---|
| \`block\` | nothing; nothing of theirs crosses |
| \`use\` | talk, join bridged rooms, open chats |
| \`link\` | also link and unlink rooms they may change |
| \`admin\` | also publish to MQTT, and see and repeat what could not be delivered |`,
};

const head = `# Configure

<!-- Made from config/schema.json: edit there, then run \`npx vitest run --project unit test/docs.test.ts -u\`. -->

One YAML file, \`data/config.yaml\` unless \`--config\` names another; [config/example.yaml](../config/example.yaml) shows
every option in its place. It is read once, at the start. Relative paths in it begin at the working directory; a command that
finds the store or the registration only elsewhere stops and says where.

- Unknown, misspelt and impossible options are refused with file, line and cure; nothing is guessed.
- \`\${NAME}\` in any value is that environment variable. Instead of a secret, \`secret_file\` and \`password_file\` take
  it from a file. A config that holds secrets and that everybody on the machine can read is refused: \`chmod 600\` it.
- \`node src/main.ts check\` tells whether it works.`;

/** Returns docs/configure.md, generated from the schema that validates the config. */
export const reference = (): string =>
	`${[
		head,
		...Object.entries(sections)
			.filter(([, node]) => !node.refused)
			.map(([name, node]) => section(name, node)),
	].join("\n\n")}\n`;
