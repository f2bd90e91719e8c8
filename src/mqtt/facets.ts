import { table } from "../core/table.ts";

/**
 * The further values and commands that one announced part of a device has beside its state, such as the target temperature of a
 * thermostat: the keys by which Home Assistant's MQTT discovery announces them, as data.
 */

/** A further value or command; each key names a key of the announcement, except `name`, `usual` and those of `fixed`. */
export type Facet = Readonly<{
	/** The name for people. */
	name: string;
	topic: string;
	template?: string;
	command?: string;
	commandTemplate?: string;
	options?: string;
	/** The options where an announcement has none. */
	usual?: readonly string[];
	min?: string;
	max?: string;
	unit?: "temperature" | "%";
	/** The bounds of the command where no key names them. */
	fixed?: Readonly<{ min: number; max: number }>;
}>;

// Home Assistant, "MQTT climate (HVAC)" and "MQTT water heater"
const heating = (modes: readonly string[]): readonly Facet[] => [
	{
		name: "temperature",
		topic: "current_temperature_topic",
		template: "current_temperature_template",
		unit: "temperature",
	},
	{
		name: "target temperature",
		topic: "temperature_state_topic",
		template: "temperature_state_template",
		command: "temperature_command_topic",
		commandTemplate: "temperature_command_template",
		min: "min_temp",
		max: "max_temp",
		unit: "temperature",
	},
	{
		name: "mode",
		topic: "mode_state_topic",
		template: "mode_state_template",
		command: "mode_command_topic",
		commandTemplate: "mode_command_template",
		options: "modes",
		usual: modes,
	},
	{ name: "action", topic: "action_topic", template: "action_template" },
];

/** By component. */
export const facets = table<readonly Facet[]>({
	climate: heating(["auto", "off", "cool", "heat", "dry", "fan_only"]),
	water_heater: heating(["off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance"]),
	// Home Assistant, "MQTT cover"
	cover: [
		{
			name: "position",
			topic: "position_topic",
			template: "position_template",
			command: "set_position_topic",
			commandTemplate: "set_position_template",
			fixed: { min: 0, max: 100 },
			unit: "%",
		},
	],
});

/**
 * The templates of a light whose state and commands are JSON. `scale`: the number for full brightness.
 * // Home Assistant, "MQTT light", JSON schema
 */
export const jsonLight = (scale: number) => ({
	state: "{{ value_json.state }}",
	on: '{"state":"ON"}',
	off: '{"state":"OFF"}',
	brightness: `{% if value_json.brightness is number %}{{ (value_json.brightness * 100 / ${scale}) | round }}{% endif %}`,
	setBrightness: `{"state":"ON","brightness":{{ (value * ${scale} / 100) | round }}}`,
});
