#!/bin/sh
# Fetch the front-end libraries that the pages use, as files, with their licences. Needs npm; users never do.
# To upgrade: change a version below, run this, look at the pages, commit.
set -eu
cd "$(dirname "$0")/.."
vendor=$PWD/anlan/faces/static/vendor
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT

# take NAME VERSION LICENCE FILE...: the named files of one npm package
take() {
    name=$1 version=$2 licence=$3
    shift 3
    home=$vendor/${name%%.*}
    tarball=$(cd "$box" && npm pack --silent "$name@$version" 2>/dev/null | tail -n 1)
    rm -rf "$box/package" "$home"
    tar -xzf "$box/$tarball" -C "$box"
    mkdir -p "$home"
    for file in "$@"; do
        plain=$home/$(basename "$file")
        # a source map is not shipped, so a browser must not look for it
        sed -e '/^\/\/# sourceMappingURL=/d' -e '/^\/\*# sourceMappingURL=.*\*\/$/d' "$box/package/$file" >"$plain"
        chmod 644 "$plain"
        sum=$(sha256sum "$plain" | cut -d ' ' -f 1)
        printf '| %s | %s | %s | %s/%s | `%s` |\n' \
            "$name" "$version" "$licence" "$(basename "$home")" "$(basename "$file")" "$sum" >>"$box/table"
    done
}

take maplibre-gl 6.17.0 BSD-3-Clause \
    dist/maplibre-gl.mjs dist/maplibre-gl-worker.mjs dist/maplibre-gl.css LICENSE.txt
take echarts 6.1.0 Apache-2.0 dist/echarts.esm.min.mjs LICENSE NOTICE licenses/LICENSE-d3
take htmx.org 2.0.11 0BSD dist/htmx.min.js LICENSE

{
    printf '# Vendored front-end files\n\nWritten by `tools/vendor.sh`; taken unchanged from the npm packages, source map comments aside.\n\n'
    printf '| package | version | licence | file | sha256 |\n|---|---|---|---|---|\n'
    cat "$box/table"
} >"$vendor/VERSIONS.md"
