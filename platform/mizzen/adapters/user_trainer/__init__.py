"""The project's own trainer, in any library, without pickle."""
