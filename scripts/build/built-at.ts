/** When this is built: https://reproducible-builds.org/docs/source-date-epoch/ */
export const builtAt = new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000 || Date.now());
