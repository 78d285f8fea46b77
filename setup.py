"""Packaging: maps the three top-level folders beside ``facezoo/`` into its namespace."""

from pathlib import Path

from setuptools import find_packages, setup

OUTSIDE = {  # package in the facezoo namespace -> folder in the checkout
    "facezoo.backends": "backends",
    "facezoo.zoo_configs": "zoo_configs",
    "facezoo.weights_index": "weights_index",
}

EXTRAS = {
    "torch": ["torch>=2.4"],
    "paddle": ["paddlepaddle>=2.6"],
    "paddle-gpu": ["paddlepaddle-gpu>=2.6"],
    "report": ["matplotlib>=3.7", "jinja2>=3.1"],
    "tensorboard": ["tensorboard>=2.14"],
    "wandb": ["wandb>=0.19"],
    "mlflow": ["mlflow-skinny>=2.14"],  # writes runs; the whole mlflow also shows them
    "visualdl": ["visualdl>=2.5"],
    "export": ["onnx>=1.16", "onnxruntime>=1.18", "onnxscript>=0.1"],
    "openvino": ["onnx>=1.16", "onnxruntime>=1.18", "openvino>=2024.0"],
    "hub": ["huggingface_hub>=0.23"],
    "parquet": ["pyarrow>=14"],
    "jpeg": ["simplejpeg>=1.8"],
    "video": ["av>=12"],
    "search": ["faiss-cpu>=1.8"],
    "bcolz": ["blosc2>=2.5"],
    "remote": ["fsspec>=2024.2", "aiohttp>=3.9"],
    "ray": ["ray>=2.40"],
    "uniface": ["uniface[cpu]>=4.0"],
    "docs": ["mkdocs-material>=9.5", "mkdocstrings[python]>=0.26"],
    "examples": [  # what the files in examples/ show facezoo with
        "pytorch-metric-learning>=2.5",
        "lightning>=2.3",
        "accelerate>=0.33",
        "transformers>=4.44",
        "huggingface_hub>=0.23",
        "nbclient>=0.10",
        "ipykernel>=6.29",
    ],
}
TESTED = ("report", "tensorboard", "export", "parquet", "jpeg", "search", "ray", "remote")  # whose use the tests check
TOOLS = [
    "pytest>=8.0",
    "pytest-xdist>=3.5",
    "hypothesis>=6.100",
    "scikit-learn>=1.4",
    "jsonschema>=4.20",
    "build>=1.2",
    "s3fs>=2024.2",
    "moto[s3]>=5.0",  # with flask: a server for s3fs
    "flask>=3.0",
    "flask-cors>=4.0",
    "ruff>=0.6",
    "mypy>=1.10",
    "types-PyYAML",
]

packages = find_packages(include=["facezoo", "facezoo.*"])
packages += list(OUTSIDE)
packages += [f"facezoo.backends.{name}" for name in find_packages("backends")]

setup(
    name="facezoo",
    version="0.2.0",
    description="Face recognition models, losses and evaluation, native on PyTorch and PaddlePaddle, and comparable",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    package_dir={"facezoo": "facezoo", **OUTSIDE},
    packages=packages,
    package_data={
        "facezoo": ["py.typed", "*.pyi"],
        "facezoo.zoo_configs": ["*.yaml"],
        "facezoo.zoo": ["*.txt", "*.html.j2"],
        "facezoo.weights_index": ["*.yaml", "*.json"],
        "facezoo.evaluation.protocols": ["*.yaml"],
        "facezoo.evaluation.report": ["*.html.j2"],
        "facezoo.io": ["*.html.j2"],
        "facezoo.training": ["*.html.j2"],
        "facezoo.datasets": ["*.yaml", "index/*.yaml"],
    },
    install_requires=[
        "numpy>=1.24",
        "scipy>=1.10",
        "pillow>=10.1",
        "mtcnn>=1.0",
        "safetensors>=0.4.3",
        "pyyaml>=6.0",
        "pydantic>=2.5",
        "typer>=0.12",
        "rich>=13.0",
        "platformdirs>=3.0",
        "filelock>=3.12",
        "requests>=2.31",
        "urllib3>=2.2",
        "typing-extensions>=4.5",
    ],
    extras_require={**EXTRAS, "test": TOOLS + [item for name in TESTED for item in EXTRAS[name]]},
    entry_points={"console_scripts": ["facezoo = facezoo.cli.main:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
)
