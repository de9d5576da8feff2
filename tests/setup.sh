# Sourced by tests/e2e/run and tests/bench/run, at the top of the repository: puts on PATH what the
# tests need and the machine lacks. Nothing is installed; it is unpacked below build-tools/.
tools=$(pwd)/build-tools
# The packages of npm that stand for clients and servers want Node.js 22; Debian 12 has 18.
if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
    node=$tools/node_modules/node-linux-$(node -p process.arch)
    [ -x "$node/bin/node" ] || npm install --silent --no-audit --no-fund --no-save --prefix "$tools" "node-linux-$(node -p process.arch)@22" >&2
    PATH=$node/bin:$PATH
fi
# nginx as a program, not as a service that would start by itself.
if [ -z "$(PATH=$PATH:/usr/sbin:$tools/usr/sbin command -v nginx)" ]; then
    (mkdir -p "$tools" && cd "$tools" && apt-get download -qq nginx && dpkg -x nginx_*.deb . && rm nginx_*.deb) >&2 || echo "no nginx: its tests are skipped" >&2
fi
PATH=$PATH:/usr/sbin:$tools/usr/sbin
export PATH
