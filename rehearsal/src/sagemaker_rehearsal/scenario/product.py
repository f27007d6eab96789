"""Step 1 in a team's repository: the product as the wheel carries it, and the zips of its two functions."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagemaker_rehearsal.server.errors import InputError

PACKAGE = Path(__file__).resolve().parents[1]
SEED_FUNCTION = Path(__file__).with_name("seed_function.py")
FIRST_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Product:
    """What the ops team has published.

    Attributes:
        portfolio: the text of portfolio.yaml.
        template: the text of product.yaml.
        seed: the zip of the function that Custom::Seed calls.
        router: the zip of the function that starts the pipelines.
    """

    portfolio: str
    template: str
    seed: bytes
    router: bytes

    @property
    def keys(self) -> Mapping[str, str]:
        """The parameters of portfolio.yaml that name the zips and the product's first version."""
        digest = _digest(self.template.encode())
        return {
            "HookZipKey": f"hook/{_digest(self.seed)}/hook.zip",
            "RouterZipKey": f"router/{_digest(self.router)}/router.zip",
            "ProductTemplateKey": f"product/{digest}/product.yaml",
            "ProductVersionName": f"rehearsal ({digest[:8]})",
        }


def load(template: Path | None = None) -> Product:
    """Return the product of the wheel.

    Args:
        template: a product.yaml to use in place of the wheel's.

    Raises:
        InputError: the file cannot be read.
    """
    catalog = folder()
    try:
        text = (template or catalog / "product.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--product {template}: cannot be read ({error}); name a CloudFormation template") from error
    heading = (catalog / "__init__.py").read_bytes()
    router = {f"catalog/router/{path.name}": path.read_bytes() for path in (catalog / "router").glob("*.py")}
    seed = {"catalog/hook/__init__.py": b'"""The seed."""\n', "catalog/hook/handler.py": SEED_FUNCTION.read_bytes()}
    return Product(
        portfolio=(catalog / "portfolio.yaml").read_text(encoding="utf-8"),
        template=text,
        seed=_zip({"catalog/__init__.py": heading, **seed}),
        router=_zip({"catalog/__init__.py": heading, **router}),
    )


def folder() -> Path:
    """Return the folder of the product: in the wheel, or, installed from source, in the template's clone."""
    packaged = PACKAGE / "product" / "catalog"
    return packaged if packaged.is_dir() else PACKAGE.parents[2] / "catalog"


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, FIRST_DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
