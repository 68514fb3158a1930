"""The console's own colours: dark, light, and one with as much contrast as there is."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="dpdlab-dark",
    primary="#5ab0f6",
    secondary="#b48ead",
    accent="#6fd3d3",
    success="#8fce72",
    warning="#f2b35e",
    error="#ff6f69",
    foreground="#d5dbe3",
    background="#10151c",
    surface="#171e27",
    panel="#1f2833",
    dark=True,
    variables={"block-cursor-background": "#2b4a6b", "block-cursor-foreground": "#ffffff"},
)
LIGHT: Final = Theme(
    name="dpdlab-light",
    primary="#1d5fa8",
    secondary="#7a4a8a",
    accent="#0f6f78",
    success="#2c7a1f",
    warning="#9a5b00",
    error="#b3202a",
    foreground="#1c2530",
    background="#fbfbf8",
    surface="#f1f1ec",
    panel="#e4e6e3",
    dark=False,
    variables={"block-cursor-background": "#c3daf2", "block-cursor-foreground": "#000000"},
)
CONTRAST: Final = Theme(
    name="dpdlab-contrast",
    primary="#66ccff",
    secondary="#ffaaff",
    accent="#00ffff",
    success="#00ff66",
    warning="#ffd700",
    error="#ff5555",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#222222",
    dark=True,
    variables={"block-cursor-background": "#ffffff", "block-cursor-foreground": "#000000"},
)
THEMES: Final = (DARK, LIGHT, CONTRAST)
