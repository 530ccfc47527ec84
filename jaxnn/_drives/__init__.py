"""Drives, and the clock that they are read at."""

from .abstract import (
    AbstractClockDrive as AbstractClockDrive,
    AbstractDrive as AbstractDrive,
    DriveLike as DriveLike,
    drive_at as drive_at,
    per_terminal as per_terminal,
    settled as settled,
)
from .arithmetic import Amplified as Amplified, Succession as Succession, Sum as Sum
from .clock import TIMING as TIMING, Clock as Clock, Timing as Timing
from .feedback import AbstractFeedback as AbstractFeedback, Feedback as Feedback
from .resolution import Span as Span, losses as losses, warn_of_losses as warn_of_losses
from .waveforms import (
    Constant as Constant,
    OnThenOff as OnThenOff,
    PulseTrain as PulseTrain,
    Ramp as Ramp,
    Samples as Samples,
    Sine as Sine,
    Square as Square,
    Triangle as Triangle,
)
