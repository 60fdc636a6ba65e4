namespace Sluice;

// Which run the present flow of execution works for: whoever waits for a run inside of it waits for itself. Set once by each pump, lane and tick, not for items.
public sealed partial class Run
{
    private static readonly AsyncLocal<Run?> OfFlow = new();

    /// <summary>Whether the present flow of execution is a part of a run.</summary>
    internal static bool IsInside(Run? run) => run is not null && OfFlow.Value == run;

    /// <summary>The present flow of execution works for this run.</summary>
    /// <returns>The run it worked for before; to be given back, unless an asynchronous method ends here.</returns>
    internal Run? Enter()
    {
        Run? outer = OfFlow.Value;
        if (outer != this) OfFlow.Value = this;
        return outer;
    }

    /// <summary>The present flow of execution works for the outer run again.</summary>
    internal void Leave(Run? outer)
    {
        if (outer != this) OfFlow.Value = outer;
    }
}
