namespace Sluice.Torture;

/// <summary>When a life ends.</summary>
internal enum Ending
{
    /// <summary>When everything has ended: the last one.</summary>
    Idle,

    /// <summary>From outside, at a random moment after it has begun to work.</summary>
    KilledSoon,

    /// <summary>From outside, while it is still beginning: while it opens the store, takes its partitions, counts its books.</summary>
    KilledAtBirth,

    /// <summary>By itself, at one of its calls to the store.</summary>
    KilledAtCall,
}

/// <summary>Which part of a call to the store is the last that a process does.</summary>
internal enum Moment
{
    Before,

    /// <summary>Everything that the call changes is written, and its transaction has not ended.</summary>
    Inside,

    /// <summary>While the transaction is being ended.</summary>
    AtTheEnd,

    /// <summary>The transaction has ended, and the caller has no answer.</summary>
    Stored,

    /// <summary>The caller has the answer, and has done nothing with it.</summary>
    After,
}

/// <summary>The call of a life at which it dies.</summary>
/// <param name="Name">The name of the calls that are counted; empty for all.</param>
/// <param name="Number">Which of them, from 1.</param>
/// <param name="Moment">Which part of it is the last.</param>
internal sealed record LastCall(string Name, int Number, Moment Moment)
{
    public override string ToString() => $"{Moment} call {Number} of {(Name.Length == 0 ? "all" : Name)}";
}

/// <summary>How a life goes.</summary>
internal sealed record LifePlan
{
    public required Ending Ending { get; init; }

    /// <summary>Null if it does not die at a call.</summary>
    public LastCall? LastCall { get; init; }

    /// <summary>Whether bombs are harmless now; and poison as soon as everything has ended, when dead letters are redriven.</summary>
    public bool Cures { get; init; }

    /// <summary>How long it lives, if it is killed from outside: at a call as well, should it not come to that call.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Before all that, a consecutor that is stopped after so long, whatever it has under way; null if there is none.</summary>
    public TimeSpan? StoppedAfter { get; init; }

    /// <summary>What goes wrong in it besides.</summary>
    public Troubles Troubles { get; init; } = Troubles.None;

    /// <summary>For what else is thrown in this life.</summary>
    public required ulong Seed { get; init; }

    /// <summary>A life that comes to its end; in a sweep it may be one that dies at a call, if it comes to that.</summary>
    public static LifePlan ToTheEnd(ulong seed, bool cures, LastCall? lastCall = null)
        => new() { Ending = Ending.Idle, LastCall = lastCall, Cures = cures, Seed = seed };

    /// <summary>A life that is killed.</summary>
    public static LifePlan Throw(Dice dice, bool cures)
    {
        Ending ending = dice.OneOf(Ending.KilledSoon, Ending.KilledSoon, Ending.KilledAtCall, Ending.KilledAtCall, Ending.KilledAtCall,
            Ending.KilledAtBirth);
        string call = dice.OneOf("CommitAsync", "CommitAsync", "LeaseAsync", "LeaseAsync", "AppendAsync", "AcquireAsync", cures
            ? "RedriveAsync" : "", "");
        int number = call is "AcquireAsync" or "RedriveAsync" ? 1 + dice.Below(3) : 1 + dice.Below(1 << dice.Between(1, 7));

        // Short times as often as long ones: of 1 ms, 2 ms, 4 ms, … 512 ms.
        var delay = TimeSpan.FromMilliseconds((1 << dice.Below(10)) * (1 + (dice.Below(1000) / 1000.0)) / 2);
        return new()
        {
            StoppedAfter = dice.Chance(20) ? TimeSpan.FromMilliseconds(1 << dice.Below(7)) : null,
            Ending = ending,
            LastCall = ending == Ending.KilledAtCall ? new(call, number,
                dice.OneOf(Moment.Before, Moment.Inside, Moment.AtTheEnd, Moment.Stored, Moment.After)) : null,
            Cures = cures,
            Delay = ending == Ending.KilledAtCall ? TimeSpan.FromSeconds(1) : delay,
            Seed = dice.Next(),
        };
    }

    public override string ToString()
        => (StoppedAfter is { } time ? $"stopped after {time.TotalMilliseconds} ms, then " : "")
        + (LastCall is { } call ? $"killed {call}" : Ending == Ending.Idle ? "to the end"
        : $"{Ending} after {Delay.TotalMilliseconds:0.0} ms") + (Cures ? ", cured" : "") + Troubles;
}
