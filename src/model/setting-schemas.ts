import * as v from 'valibot';
import { SETTING_NAMES, type SettingName, settingOf } from './settings.ts';

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));

/** For each setting what a file may hold; apart from the table, since few verbs read valibot. */
export const SETTING_SCHEMAS = Object.fromEntries(
  SETTING_NAMES.map((name) => {
    const { type } = settingOf(name);
    if (type === 'lines') return [name, v.array(v.string())];
    if (type === 'switch') return [name, v.boolean()];
    return [name, type === 'port' ? port : v.string()];
  }),
) as Record<SettingName, v.GenericSchema>;
