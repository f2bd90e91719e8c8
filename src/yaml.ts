import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument, visit } from "yaml";

export type Path = readonly (string | number)[];

/** A parsed YAML text. Only this file knows the YAML library. No message quotes a value, which may be a secret. */
export type Source = Readonly<{
	/** The document as plain data; undefined when it has syntax errors. */
	data: unknown;
	/** Syntax errors, each with its place. */
	errors: readonly { line: number; column: number; message: string }[];
	/** Returns the place of a value, or of its nearest parent. */
	place(path: Path): { line: number; column: number };
	/** Returns the place of a key. */
	placeOfKey(path: Path, key: string): { line: number; column: number };
}>;

export function parse(text: string): Source {
	const lines = new LineCounter();
	// prettyErrors would quote the line, which may hold a secret.
	const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
	const at = (offset: number) => {
		const { line, col } = lines.linePos(offset);
		return { line: Math.max(line, 1), column: Math.max(col, 1) };
	};
	const placeOf = (node: Node | null | undefined) =>
		node?.range ? at(node.range[0]) : { line: 1, column: 1 };
	const errors = document.errors.map(({ pos, code, message }) => ({
		...at(pos[0]),
		// Some messages of the library end in the value.
		message: code === "BAD_DQ_ESCAPE" ? "invalid escape sequence" : message.replace(/: ".*$/s, ""),
	}));
	// The library would report an unknown alias by its name, which may be a secret that begins with an asterisk.
	visit(document, {
		Alias(_, node) {
			errors.push({
				...placeOf(node),
				message: "aliases are not used here; put a value that begins with * into quotes",
			});
		},
	});
	const place = (path: Path): { line: number; column: number } => {
		for (let length = path.length; length > 0; length--) {
			const node = document.getIn(path.slice(0, length), true) as Node | undefined;
			if (node?.range) return placeOf(node);
		}
		return placeOf(document.contents);
	};
	return {
		data: errors.length === 0 ? document.toJS() : undefined,
		errors,
		place,
		placeOfKey(path, key) {
			const node = path.length === 0 ? document.contents : document.getIn(path, true);
			const pair = isMap(node)
				? node.items.find((item: Pair) => isScalar(item.key) && String(item.key.value) === key)
				: undefined;
			return pair ? placeOf(pair.key as Node) : place(path);
		},
	};
}
