"""Podman with a storage of its own, for tests of containers: settings that a workload takes over by two variables."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from fleet import Skip

BUSYBOX = "/bin/busybox"


class Podman:
    """Removes its containers, images and folder at the end. Raises Skip where this machine runs no containers."""

    def __init__(self):
        for program in ("podman", BUSYBOX):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        if os.geteuid() != 0:
            raise Skip("a privileged workload has the uid of the runtime, which is not root here")
        self.scratch = tempfile.TemporaryDirectory(prefix="dd-podman-", dir="/tmp")
        self.folder = Path(self.scratch.name)
        # crun refuses a machine with both versions of cgroups; a VM may forbid to raise limits.
        runtime = f'runtime = "{shutil.which("runc")}"\n' if shutil.which("runc") else ""
        (self.folder / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n[engine]\n{runtime}cgroup_manager = "cgroupfs"\n')
        (self.folder / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n')
        self.settings = {"CONTAINERS_CONF": str(self.folder / "containers.conf"), "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf")}
        self.image("dd-probe", {})
        tried = self.run("run", "--rm", "--network", "host", "dd-probe", "/bin/busybox", "true")
        if tried.returncode:
            why = tried.stderr.strip()[-200:]
            self.remove()
            raise Skip("podman runs no container here: " + why)

    def run(self, *arguments):
        return subprocess.run(["podman", *arguments], env={**os.environ, **self.settings}, capture_output=True, text=True, timeout=60)

    def image(self, name, files, entrypoint=None):
        """An image of busybox and `files` (texts by path, executable) alone."""
        tree = self.folder / "tree"
        (tree / "bin").mkdir(parents=True)
        shutil.copy(BUSYBOX, tree / "bin")
        for link in ("sh", "httpd", "wget"):
            (tree / "bin" / link).symlink_to("busybox")
        for path, text in files.items():
            file = tree / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        archive = shutil.make_archive(str(self.folder / "image"), "tar", tree)
        change = ["--change", f'ENTRYPOINT ["{entrypoint}"]'] if entrypoint else []
        done = self.run("import", *change, archive, name)
        assert done.returncode == 0, done
        shutil.rmtree(tree)

    def containers(self):
        return self.run("ps", "--all", "--format", "{{.Names}}").stdout.split()

    def remove(self):
        self.run("rm", "--all", "--force")
        self.scratch.cleanup()
