using System.Diagnostics;

namespace Sluice.Processes;

/// <summary>An item in a stage of worker processes, from its arrival until its results have gone on.</summary>
/// <remarks>Owned by the queue that it waits in, then by its connection, and once it has ended by the output.</remarks>
internal sealed class WorkCall<TIn, TOut>(TIn item, Ticket? ticket, long number)
{
    private TOut? only;
    private List<TOut>? all;
    private volatile bool hasEnded;

    public TIn Item => item;

    /// <summary>The span of the item in the node; null if it is not traced.</summary>
    public Activity? Span { get; init; }

    public Ticket? Ticket => ticket;

    public long Number => number;

    /// <summary>The number of the current attempt, from 1. The end of a worker does not count as an attempt.</summary>
    public int Attempt { get; set; } = 1;

    /// <summary>The number of workers that ended while they had only this item.</summary>
    public int Deaths { get; set; }

    /// <summary>Whether a worker ended that had this item among others; the next worker gets it alone.</summary>
    public bool IsSuspect { get; set; }

    /// <summary>When a worker got it, by the run's clock; only with a timeout.</summary>
    public long Taken { get; set; }

    /// <summary>Whether its worker is killed because it takes too long.</summary>
    public bool IsLate { get; set; }

    /// <summary>The failure; null if there is none.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether the failure becomes a dead letter in any case, because a stage of the body says so.</summary>
    public bool IsForLetter { get; private set; }

    /// <summary>Whether it has ended too many workers, so that a retry would not help.</summary>
    public bool IsPoison { get; private set; }

    /// <summary>Whether the body has skipped a failed part of it.</summary>
    public bool HasSkippedFailure { get; set; }

    public int Results { get; private set; }

    public bool HasEnded => hasEnded;

    /// <summary>Its successor in the output's queue.</summary>
    public WorkCall<TIn, TOut>? Behind;

    public TOut ResultAt(int index) => Results == 1 ? only! : all![index];

    public void Add(TOut result)
    {
        if (Results++ == 0) only = result;
        else (all ??= [only!]).Add(result);
    }

    public void Drop()
    {
        (Results, all, only) = (0, null, default);
    }

    public void Fail(Exception failure, bool isForLetter = false, bool isPoison = false)
    {
        Drop();
        (Failure, IsForLetter, IsPoison) = (failure, isForLetter, isPoison);
    }

    public void TryAgain()
    {
        Attempt++;
        (Failure, IsForLetter, IsLate) = (null, false, false);
    }

    /// <summary>Hands it over to the output.</summary>
    public void End() => hasEnded = true;
}
