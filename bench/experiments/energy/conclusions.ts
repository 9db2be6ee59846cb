/** Written by hand from the tables above it in the report; read it again when runs or machines change. */
export const CONCLUSIONS = ``;
