using System.Collections.Concurrent;

namespace Orders.Driving;

/// <summary>What customers were answered, and what was killed. Any thread may call it.</summary>
internal sealed class Tally
{
    private readonly int[] killed = new int[Enum.GetValues<TroubleKind>().Length];
    private int repeated;

    /// <summary>The answers, by order.</summary>
    public ConcurrentDictionary<Guid, int> Answers { get; } = [];

    /// <summary>Requests that were sent again.</summary>
    public int Repeated => Volatile.Read(ref repeated);

    /// <summary>How often something of a kind was killed.</summary>
    public int this[TroubleKind kind] => Volatile.Read(ref killed[(int)kind]);

    public void Repeat() => Interlocked.Increment(ref repeated);

    public void Kill(TroubleKind kind) => Interlocked.Increment(ref killed[(int)kind]);

    /// <summary>How many orders were answered so.</summary>
    public int Count(int status) => Answers.Values.Count(answer => answer == status);
}
