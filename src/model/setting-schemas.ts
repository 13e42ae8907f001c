import * as v from 'valibot';
import { SETTING_NAMES, type SettingName, settingOf } from './settings.ts';

const PORT = 'a whole number from 1 to 65535';
const port = v.pipe(v.number('a number'), v.integer(PORT), v.minValue(1, PORT), v.maxValue(65535, PORT));
const text = v.string('a string');

/** The schema of each setting in a file; its messages name the expected type. In a file of its own: valibot loads slowly. */
export const SETTING_SCHEMAS = Object.fromEntries(
  SETTING_NAMES.map((name) => {
    const { type } = settingOf(name);
    if (type === 'lines') return [name, v.array(text, 'a list of lines')];
    if (type === 'switch') return [name, v.boolean('a boolean')];
    if (type === 'count') return [name, v.number('a number')];
    if (type === 'gpus') return [name, v.union([text, v.number()], 'a number or a string')];
    return [name, type === 'port' ? port : text];
  }),
) as Record<SettingName, v.GenericSchema>;
