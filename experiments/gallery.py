"""Small copies of the experiments' pictures for docs/gallery.md, each below 150 kB.

python experiments/gallery.py --results results --out docs/pictures
"""

from pathlib import Path

from PIL import Image, ImageSequence

from experiments.shared import script


# Picture -> width [pixels]; the larger ones have three columns of panels or more.
PICTURES = {
    "plots/plots.png": 1300,
    "viewer/viewer.png": 1200,
    "activation/activation.png": 1000,
    "winner_takes_all/winner_takes_all.png": 1200,
    "winner_takes_all/winner_takes_all.gif": 260,
    "avalanches/avalanches.png": 1400,
    "avalanches/avalanches_voltage.png": 1200,
    "avalanches/avalanches_density.png": 1200,
    "driven_avalanches/driven_avalanches.png": 1200,
    "lyapunov_map/lyapunov_map.png": 1200,
    "lyapunov_map/lyapunov_methods.png": 1200,
    "lyapunov_map/iv_loops.png": 1200,
    "waveform_transformation/waveform_transformation.png": 1000,
    "waveform_transformation/waveform_transformation_map.png": 1200,
    "scheme_chaos/scheme_chaos.png": 1400,
    "waveform_drive/waveform_drive_double.png": 1000,
    "adaptation/load_sharing.png": 1000,
    "adaptation/perturbations.png": 1000,
    "sheet_resistance/sheet_resistance.png": 1200,
    "charging/charging.png": 1200,
    "current_laws/current_laws.png": 1200,
    "closed_loop/closed_loop.png": 1000,
    "published_laws/published_laws.png": 1400,
    "tuned_drive/tuned_drive.png": 1000,
    "junction_network/junction_network.png": 1000,
    "adaptive_time/adaptive_time.png": 1000,
    "wires_in_images/wires_in_images.png": 1300,
    "grid_digits/grid_digits.png": 1400,
    "nanowire_digits/nanowire_digits.png": 1200,
    "delayed_feedback_digits/delayed_feedback_digits.png": 1200,
    "lorenz_forecast/lorenz_forecast.png": 1200,
    "information_dynamics/information_dynamics.png": 1000,
    "laws_and_tasks/laws_and_tasks.png": 900,
    "laws_and_tasks/tasks_memory.png": 700,
    "laws_and_tasks/tasks_nonlinear_memory.png": 700,
    "laws_and_tasks/tasks_sequence_memory.png": 700,
    "laws_and_tasks/tasks_capacity.png": 700,
    "laws_and_tasks/tasks_ranks.png": 700,
    "laws_and_tasks/tasks_narma_10.png": 700,
    "laws_and_tasks/tasks_mackey_glass.png": 700,
    "laws_and_tasks/tasks_lorenz.png": 700,
    "laws_and_tasks/tasks_waveforms.png": 700,
}
# Pictures that a command writes into docs/pictures itself, or that were copied as they are -> the command.
WRITTEN = {
    "index-1.png": "start_here",
    "start-here-1.png": "start_here",
    "start-here-2.png": "start_here",
    "start-here-3.png": "start_here",
    "start-here-4.png": "start_here",
    "start-here-5.png": "start_here",
    "start-here-6.png": "start_here",
    "growing-phases.png": "incremental_learning",
    "growing-phases.gif": "incremental_learning",
    "reservoirs-mnist.png": "nickelate_reservoir",
    "reservoirs-speech.png": "nickelate_reservoir",
    "reservoirs-heartbeats.png": "nickelate_reservoir",
}
LIMIT = 150_000  # [bytes]


def shrink(picture: Image.Image, width: int, colours: int) -> Image.Image:
    """A copy of a width, in so many colours."""
    height = round(picture.height * width / picture.width)
    small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    # By octree: the median cut gives colour bars hues that their maps do not have.
    return small.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def main() -> None:
    """Copies what is there."""
    parser = script.parser(__doc__, "docs/pictures")
    parser.add_argument("--results", type=Path, default=Path("results"))
    arguments = script.start(parser)
    for name, width in PICTURES.items():
        source, target = arguments.results / name, arguments.out / Path(name).name
        if not source.is_file():
            continue
        with Image.open(source) as picture:
            colours = 48 if source.suffix == ".gif" else 250
            frames = [shrink(frame, width, colours) for frame in ImageSequence.Iterator(picture)]
        # Every second frame of a film.
        first, *more = frames if len(frames) == 1 else frames[1::2]
        options = {"save_all": True, "append_images": more, "duration": 200, "loop": 0} if more else {}
        first.save(target, optimize=True, **options)
        size = target.stat().st_size
        print(f"{target}: {size / 1000:.0f} kB")
        assert size < LIMIT, f"{target} is larger than {LIMIT} bytes: make it narrower"


if __name__ == "__main__":
    main()
