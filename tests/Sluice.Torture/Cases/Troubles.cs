namespace Sluice.Torture;

/// <summary>What goes wrong in a life besides its end: nothing of it may lose, double or change anything, or keep it from going
/// on.</summary>
internal sealed record Troubles
{
    public static Troubles None { get; } = new();

    /// <summary>How far the clock of its host is off: of its consecutors, and of a store that has no clock of its own.</summary>
    public TimeSpan Skew { get; init; }

    /// <summary>Which version of the code it says that it is. Lives that follow are as new or newer.</summary>
    public int CodeVersion { get; init; }

    /// <summary>Whether its members have no names of their own: then it is another member than the life before, whose lease has to run out,
    /// or whose process has to be seen to have ended.</summary>
    public bool IsUnnamed { get; init; }

    /// <summary>Whether calls overlap: sends that are given up, waits that are given up, pauses, and a second start and stop.</summary>
    public bool Overlaps { get; init; }

    /// <summary>Whether its store stands still for a while: a server that is stopped and goes on, a file that another process has
    /// locked.</summary>
    public bool Freezes { get; init; }

    /// <summary>Whether its process is stopped for longer than its lease, and goes on.</summary>
    public bool Stops { get; init; }

    /// <summary>Each of them by chance.</summary>
    public static Troubles Throw(Dice dice, bool isLater) => new()
    {
        Skew = dice.Chance(40) ? TimeSpan.FromHours(dice.OneOf(-48, -1, 1, 48)) + TimeSpan.FromSeconds(dice.Below(1000)) : TimeSpan.Zero,
        CodeVersion = isLater ? 2 : 1,
        IsUnnamed = dice.Chance(30),
        Overlaps = dice.Chance(50),
        Freezes = dice.Chance(40),
        Stops = dice.Chance(15),
    };

    public override string ToString() => string.Concat(
        Skew == TimeSpan.Zero ? "" : $", clock off by {Skew}", CodeVersion == 0 ? "" : $", version {CodeVersion}", IsUnnamed ? ", unnamed"
            : "", Overlaps ? ", overlapping calls" : "", Freezes ? ", frozen store" : "",
        Stops ? ", stopped process" : "");
}

/// <summary>The clock of a host that is off: timers and timestamps know nothing of it.</summary>
internal sealed class SkewedClock(TimeSpan by) : TimeProvider
{
    public static TimeProvider Of(Troubles troubles) => troubles.Skew == TimeSpan.Zero ? System : new SkewedClock(troubles.Skew);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
}
