/** Style sheets are bundled as text (`scripts/bundle.mjs`). */
declare module "*.css" {
  const text: string;
  export default text;
}
