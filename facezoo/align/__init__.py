"""From photos to aligned faces: detection, landmarks, templates, crops."""
