namespace Sluice.Torture;

/// <summary>When a life ends.</summary>
internal enum Ending
{
    /// <summary>When everything has ended: the last one.</summary>
    Idle,

    /// <summary>From outside, at a random moment after it has begun.</summary>
    KilledSoon,

    /// <summary>From outside, while it is still beginning.</summary>
    KilledAtBirth,

    /// <summary>By itself, at one of its calls to the store.</summary>
    KilledAtCall,
}

/// <summary>Which part of a call to the store is the last that a process does.</summary>
internal enum Moment
{
    Before,
    Inside,
    After,
}

/// <summary>How a life goes.</summary>
internal sealed class LifePlan
{
    public LifePlan(Dice dice, bool isLast, bool cures)
    {
        Cures = cures;
        Ending = isLast ? Ending.Idle : dice.OneOf(Ending.KilledSoon, Ending.KilledSoon, Ending.KilledAtCall, Ending.KilledAtCall, Ending.KilledAtBirth);

        // Short times as often as long ones: of 1 ms, 2 ms, 4 ms, … 512 ms.
        Delay = TimeSpan.FromMilliseconds((1 << dice.Below(10)) * (1 + (dice.Below(1000) / 1000.0)) / 2);
        Moment = dice.OneOf(Moment.Before, Moment.Inside, Moment.After);
        Call = dice.OneOf("CommitAsync", "CommitAsync", "LeaseAsync", "AppendAsync", "TakeAsync", "");
        CallNumber = Call == "TakeAsync" ? 1 + dice.Below(3) : 1 + dice.Below(1 << dice.Between(1, 7));
        Seed = dice.Next();
    }

    private LifePlan(int call, Moment moment)
        => (Ending, CallNumber, Moment, Call, Seed) = (Ending.KilledAtCall, call, moment, "", (ulong)call);

    /// <summary>The plan of one life of many that are killed before, inside of and after the first call, the second, the third…</summary>
    public static LifePlan OfSweep(int life) => new((life - 1) / 3 + 1, (Moment)((life - 1) % 3));

    public Ending Ending { get; }

    /// <summary>Whether what was poison is harmless now, and dead letters are redriven.</summary>
    public bool Cures { get; }

    public TimeSpan Delay { get; }

    public Moment Moment { get; }

    /// <summary>The name of the calls that are counted; empty for all.</summary>
    public string Call { get; }

    public int CallNumber { get; }

    /// <summary>For what else is thrown in this life.</summary>
    public ulong Seed { get; }

    public override string ToString() => Ending switch
    {
        Ending.KilledAtCall => $"killed {Moment} call {CallNumber} of {(Call.Length == 0 ? "all" : Call)}",
        Ending.Idle => "to the end",
        _ => $"{Ending} after {Delay.TotalMilliseconds:0.0} ms",
    } + (Cures ? ", cured" : "");
}
