using System.Runtime.CompilerServices;

namespace Sluice.PostgreSql;

/// <summary>
/// What is known of the failures of a commit that is repeated. The client closes the connection after an internal error of the server
/// (XX000), and with it the transaction that other callers share. So the next attempt continues the trial.
/// </summary>
/// <remarks>Used by one attempt at a time.</remarks>
internal sealed class RowSuspicion
{
    // By the values of the first row, which are the same object when the commit is repeated.
    private static readonly ConditionalWeakTable<object?[], RowSuspicion> All = [];

    private RowFailure? failure;

    /// <summary>Returns what is known of a commit; null if it has not failed before.</summary>
    public static RowSuspicion? Find(IReadOnlyList<PostgresWrites> writes)
        => First(writes) is { } first && All.TryGetValue(first, out RowSuspicion? known) ? known : null;

    /// <summary>Remembers a failure that has closed the connection.</summary>
    /// <param name="writes">The rows of the commit.</param>
    /// <param name="lost">The failure; null if its row is one of a group, so that only writing the rows one by one tells it.</param>
    public static void Note(IReadOnlyList<PostgresWrites> writes, RowFailure? lost)
    {
        if (First(writes) is { } first) All.GetOrCreateValue(first).failure = lost;
    }

    /// <summary>Takes the failure that is to be judged; null if the rows are to be written, one by one.</summary>
    public RowFailure? Take(IReadOnlyList<PostgresWrites> writes)
    {
        RowFailure? taken = failure?.In(writes);
        failure = null;
        return taken;
    }

    private static object?[]? First(IReadOnlyList<PostgresWrites> writes)
    {
        foreach (PostgresWrites one in writes)
            if (one.Count > 0) return one.Statements[0].Values;
        return null;
    }
}
