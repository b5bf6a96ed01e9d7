"""Images with everything that trivy finds in images."""

from __future__ import annotations

from compline.scanners.trivy.canary import canary_secret

TOKEN = canary_secret()
DEBIAN = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "etc/debian_version": "12.1\n",
    "var/lib/dpkg/status": "Package: curl\nStatus: install ok installed\nArchitecture: amd64\n"
    "Version: 7.88.1-10\nMaintainer: x\n\nPackage: libc6\nStatus: install ok installed\n"
    "Architecture: amd64\nSource: glibc\nVersion: 2.36-9\nMaintainer: x\n",
    "usr/lib/python3/dist-packages/PyYAML-5.3.dist-info/METADATA": "Metadata-Version: 2.1\n"
    "Name: PyYAML\nVersion: 5.3\nLicense: MIT\n",
    "app/node_modules/lodash/package.json": '{"name":"lodash","version":"4.17.10"}',
    # Where trivy does not look for secrets by itself.
    "usr/share/doc/example.md": f'token = "{TOKEN}"\n',
    "app/key.txt": f"{TOKEN}\n",
    "app/a.jar": b"PK",
}
GONE = {"app/.wh.key.txt": "", "app/requirements.txt": "flask==2.0.0\n"}
NEWER = {
    **DEBIAN,
    "etc/os-release": 'ID=debian\nVERSION_ID="13"\n',
    "etc/debian_version": "13.1\n",
    "app/key.txt": "",
}
ALPINE = {
    "etc/os-release": "ID=alpine\nVERSION_ID=3.16.0\n",
    "etc/alpine-release": "3.16.0\n",
    "lib/apk/db/installed": "P:zlib\nV:1.2.12-r0\nA:x86_64\no:zlib\nL:Zlib\n\n",
}
