namespace Sluice;

/// <summary>An item in a stage of worker processes, from when it comes until what came of it has gone on.</summary>
/// <remarks>Belongs to the queue that it is in, then to the connection that has sent it, and to the output when it has ended.</remarks>
internal sealed class WorkCall<TIn, TOut>(TIn item, Ticket? ticket, long number)
{
    private TOut? only;
    private List<TOut>? all;
    private volatile bool hasEnded;

    public TIn Item => item;

    public Ticket? Ticket => ticket;

    public long Number => number;

    /// <summary>The number of the current attempt, from 1. A worker that ends is none.</summary>
    public int Attempt { get; set; } = 1;

    /// <summary>How many workers have ended that had nothing but this item.</summary>
    public int Deaths { get; set; }

    /// <summary>Whether a worker has ended that had it, beside others: it is the only one of the next.</summary>
    public bool IsSuspect { get; set; }

    /// <summary>When a worker was given it, by the clock of the run; only where there is a timeout.</summary>
    public long Taken { get; set; }

    /// <summary>Whether its worker is ended because it takes too long.</summary>
    public bool IsLate { get; set; }

    /// <summary>Why it has failed; null if it has not.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether its failure is for a dead letter, whatever the stage says: because a stage of the body does.</summary>
    public bool IsForLetter { get; private set; }

    /// <summary>Whether the process is to blame, and another attempt would be no better.</summary>
    public bool IsPoison { get; private set; }

    /// <summary>Whether the body has skipped a part of it that failed.</summary>
    public bool HasSkippedFailure { get; set; }

    public int Results { get; private set; }

    public bool HasEnded => hasEnded;

    /// <summary>The one behind it, in the queue of the output.</summary>
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

    /// <summary>From here on it is the output's.</summary>
    public void End() => hasEnded = true;
}
