using Sluice.Policies;

namespace Sluice;

/// <summary>Options for finding the files of a directory (<see cref="Source.ResumableFiles"/>). Immutable.</summary>
public sealed record ResumableFilesOptions
{
    /// <summary>
    /// The pattern of file names, with <c>*</c> and <c>?</c> as in a shell; all names unless given. Names that begin with a dot are never
    /// taken.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    /// <exception cref="ArgumentException">The value is empty, or names a directory.</exception>
    public string Pattern
    {
        get;
        init
        {
            if (OptionValue.NotNull(value, nameof(ResumableFilesOptions)).Length == 0 || Path.GetFileName(value) != value)
                throw new ArgumentException(
                    $"ResumableFilesOptions.Pattern is '{value}'. It must be a pattern of names, without a directory: give the directory "
                        + "to Source.ResumableFiles.", nameof(value));
            field = value;
        }
    } = "*";

    /// <summary>
    /// How long a file's length and last write time must stay unchanged before it is taken: zero or more; two seconds unless given. Zero
    /// takes files as they are found, for directories into which files are only moved. A file that the first scan of a run finds is taken
    /// at once if its last write is so long ago, and so much earlier than the last change in the directory.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative, or more than 49 days.</exception>
    public TimeSpan QuietDuration
    {
        get;
        init => field = OptionValue.Wait(value, nameof(ResumableFilesOptions));
    } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The time between two scans for new files: 1 ms or more. Null unless given: the source then ends when all present files are taken.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one millisecond, or more than 49 days.</exception>
    public TimeSpan? PollInterval { get; init => field = OptionValue.Interval(value, nameof(ResumableFilesOptions)); }

    /// <summary>
    /// The path of the journal, which has the order in which files are taken. Unless given: <c>.NAME.taken</c> in the directory, with the
    /// producer's name. Keep the journal together with the store: both, or neither.
    /// </summary>
    public string? Journal { get; init; }

    /// <summary>
    /// Called with warnings, once for each file that cannot be taken, and with <see cref="PollInterval"/> when the directory cannot be
    /// listed. Unless given: the event source <c>Sluice</c> and, each text once, standard error.
    /// </summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "ResumableFilesOptions.OnWarning"); }

    /// <summary>Called with the directory before it is listed; for tests.</summary>
    internal Action<string>? Listing { get; init; }

    /// <summary>The clock for waits and quiet times; the system's unless given, also if <see cref="RunOptions.Time"/> is another
    /// one.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public TimeProvider Time { get; init => field = OptionValue.NotNull(value, nameof(ResumableFilesOptions)); } = TimeProvider.System;
}
