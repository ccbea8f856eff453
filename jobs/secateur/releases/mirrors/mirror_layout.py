"""Where the files of a release lie in its mirror.

    <output>/<number>-<the first 12 digits of its manifest's sha256>/
        manifest.json, manifest.sig    as they were signed
        model.sig                      of a package: OpenSSF's bundle
        model.onnx.zst, table.zst ...  a package or a snapshot, under the manifest's paths

A portable model lies as Triton's model repository wants it:

        golden.json
        <model>/config.pbtxt
        <model>/<number>/model.onnx

No name of a mirror begins another's: KServe copies whatever begins with the storage URI, and 1/
would begin 12/ for who leaves out the last slash. The model is written last, so that a runtime
that knows no manifest finds none in half a mirror.
"""

from secateur.contracts.errors import ReleaseError
from secateur.contracts.manifest import MANIFEST, FileEntry
from secateur.contracts.releases import ReleaseManifest
from secateur.releases.catalogue import Release
from secateur.serving import portable_model
from secateur.serving.files.layout import MODEL, PACKED_MODEL

SIGNATURE = "manifest.sig"
BUNDLE = "model.sig"
OURS = frozenset({MANIFEST, SIGNATURE, BUNDLE})

_DIGITS = 12  # of the manifest's sha256


def mirror_name(release: Release) -> str:
    """The name of a release's mirror, below what it is written to."""
    return f"{release.manifest.number}-{release.sha256[:_DIGITS]}"


def places(manifest: ReleaseManifest) -> dict[str, FileEntry]:
    """The files of a release by their paths in its mirror, in the order of writing.

    Raises ReleaseError where one would lie where another or the seal does.
    """
    found = {_place(manifest, entry.path): entry for entry in manifest.files}
    if len(found) < len(manifest.files) or OURS & found.keys():
        raise ReleaseError(f"release {manifest.number} names files that no mirror has room for")
    return dict(sorted(found.items(), key=lambda placed: (_is_model(placed[1]), placed[0])))


def holds_portable(manifest: ReleaseManifest) -> bool:
    """Whether a release is a portable model, for runtimes that are not ours."""
    paths = {entry.path for entry in manifest.files}
    return {MODEL, portable_model.GOLDEN} <= paths <= portable_model.FILES


def model_name(manifest: ReleaseManifest) -> str:
    """What a runtime calls the model: the scenario's name, of a portable model without its end."""
    return manifest.scenario.removesuffix(portable_model.PORTABLE)


def _place(manifest: ReleaseManifest, path: str) -> str:
    if not holds_portable(manifest) or path == portable_model.GOLDEN:
        return path
    folder = model_name(manifest)
    return f"{folder}/{manifest.number}/{path}" if path == MODEL else f"{folder}/{path}"


def _is_model(entry: FileEntry) -> bool:
    return entry.path in (MODEL, PACKED_MODEL)
